// What stands behind the opaque types of aquifer.h, and the border that nothing is thrown across.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "aquifer/aquifer.h"
#include "aquifer/client.h"
#include "aquifer/pool.h"
#include "capi/refusal.h"

struct aquifer_client_t {
  explicit aquifer_client_t(aquifer::Client opened, std::chrono::milliseconds timeout_of_calls)
      : client(std::move(opened)), timeout(timeout_of_calls) {}

  aquifer::Client client;
  const std::chrono::milliseconds timeout;  ///< the default of its calls

  // The latest error, when that was met at the border: null, or a constant that anybody may read.
  mutable std::atomic<const aquifer::capi::Refusal*> refused{nullptr};

  /// Remembers why the border refused a request; returns the status of it.
  aquifer_status_t refuse(const aquifer::capi::Refusal& refusal) const {
    refused.store(&refusal, std::memory_order_relaxed);
    return static_cast<aquifer_status_t>(refusal.status);
  }

  /// The answer of a call that the client has seen: its trouble is later than a refusal before.
  aquifer_status_t answered(aquifer::Status status) const {
    if (!aquifer::is_success(status) && status != aquifer::Status::kNotFound) {
      refused.store(nullptr, std::memory_order_relaxed);
    }
    return static_cast<aquifer_status_t>(status);
  }
};

struct aquifer_pool_t {
  explicit aquifer_pool_t(aquifer::Pool opened)
      : pool(std::move(opened)), meta_address(pool.meta_address()) {}
  aquifer::Pool pool;
  const std::string meta_address;
};

struct aquifer_view_t {
  aquifer::View view;
};

struct aquifer_pending_put_t {
  aquifer::PendingPut put;
};

struct aquifer_page_t {
  aquifer::ListPage page;
};

struct aquifer_object_t {
  aquifer::ObjectStat stat;
};

struct aquifer_report_t {
  aquifer::PoolStatus status;
};

namespace aquifer::capi {

/// Runs a function of the interface that returns a status. The client's calls throw nothing; what
/// is caught here is memory that ran out between them.
template <class Run>
aquifer_status_t guard(const aquifer_client_t* client, Run run) noexcept {
  if (client == nullptr) {
    return AQUIFER_INVALID_ARGUMENT;
  }
  try {
    return run();
  } catch (const std::bad_alloc&) {
    return client->refuse(kNoMemory);
  } catch (...) {
    return client->refuse(kDefect);
  }
}

/// The same, for functions that have no client to remember an error.
template <class Run>
aquifer_status_t guard(Run run) noexcept {
  try {
    return run();
  } catch (const std::bad_alloc&) {
    return AQUIFER_IO;
  } catch (...) {
    return AQUIFER_INTERNAL;
  }
}

}  // namespace aquifer::capi
