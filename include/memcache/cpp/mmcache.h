// Where MemCache keeps it.
#pragma once

#include "../mmcache.h"
