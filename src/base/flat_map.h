// The hash map and set of hot tables: open addressing, no node per entry. References do not survive
// an insertion.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <functional>

namespace aquifer::base {

template <class Key, class Value>
using FlatMap = boost::unordered_flat_map<Key, Value, std::hash<Key>>;

template <class Key, class Hash, class Equal>
using FlatSet = boost::unordered_flat_set<Key, Hash, Equal>;

}  // namespace aquifer::base
