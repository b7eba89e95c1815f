// Lists that mostly hold a few items: those lie in the list itself, and no memory is allocated.
#pragma once

#include <boost/container/small_vector.hpp>

namespace aquifer::base {

template <class T, std::size_t kInside>
using SmallVector = boost::container::small_vector<T, kInside>;

}  // namespace aquifer::base
