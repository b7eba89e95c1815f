// MemCache's REST interface: what is in the pool, how full it is, and what has been asked of it.
// Answers in MemCache's words, from a client of ours. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "admin/http_server.h"
#include "aquifer/client.h"

namespace aquifer::compat::memcache {

class Rest {
 public:
  explicit Rest(Client& client) : client_(client) {}

  admin::Response answer(const admin::Request& request);

 private:
  admin::Response metadata(const admin::Request& request);
  admin::Response all_keys();
  admin::Response query_key(const admin::Request& request);
  admin::Response batch_query_keys(const admin::Request& request);
  admin::Response all_segments();
  admin::Response query_segment(const admin::Request& request);
  admin::Response segment_status(const admin::Request& request);
  admin::Response capacity_usage();
  admin::Response segment_remaining();
  admin::Response metrics();
  admin::Response summary();
  admin::Response remove_key(const admin::Request& request);
  admin::Response remove_all();

  Client& client_;
  std::mutex mutex_;
  std::map<std::string, std::string> config_store_;  ///< of PUT /metadata, a few keys
  std::uint64_t queries_ = 0, queries_failed_ = 0, batch_queries_ = 0;
};

}  // namespace aquifer::compat::memcache
