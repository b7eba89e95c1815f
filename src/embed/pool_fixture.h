// What the tests of a whole pool have in common: one embedded pool and a client, by each transport.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "aquifer/pool.h"
#include "base/random.h"

namespace aquifer {

inline std::string random_value(std::size_t bytes, std::uint64_t seed) {
  base::Random random(seed);
  std::string value(bytes, '\0');
  for (char& byte : value) {
    byte = static_cast<char>(random.next() >> 32);
  }
  return value;
}

class PoolTest : public ::testing::TestWithParam<Transport> {
 protected:
  PoolTest()
      : pool_(*Pool::open({.dram_bytes = 64u << 20})),
        client_(*pool_.client({.transport = GetParam()})) {}
  Status put(const std::string& key, const std::string& value) {
    return client_.put(key, value.data(), value.size());
  }
  /// Waits, for a bounded time, until the pool's status is as wanted.
  template <class Wanted>
  bool status_becomes(Wanted wanted) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
      const auto status = client_.status();
      if (status && wanted(*status)) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  Pool pool_;
  Client client_;
};

inline std::string transport_name(const ::testing::TestParamInfo<Transport>& info) {
  return info.param == Transport::kShm ? "Shm" : "Tcp";
}

}  // namespace aquifer
