// What a shared library of Aquifer shows. Everything else in it stays hidden.
#pragma once

#define AQUIFER_EXPORT __attribute__((visibility("default")))
