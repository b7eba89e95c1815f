// A pool inside the caller's process.
#include "capi/convert.h"
#include "capi/open.h"

using namespace aquifer;
using namespace aquifer::capi;

aquifer_status_t aquifer_pool_open(const aquifer_pool_options_t* options, aquifer_pool_t** pool,
                                   aquifer_error_t* error) {
  return open_handle(pool, error, [&]() -> Result<aquifer_pool_t*> {
    auto known = read(options);
    if (known.refused != nullptr) {
      return error_of(*known.refused);
    }
    auto opened = Pool::open(std::move(known.value));
    if (!opened) {
      return std::move(opened).error();
    }
    return new aquifer_pool_t(*std::move(opened));
  });
}

aquifer_status_t aquifer_pool_client(const aquifer_pool_t* pool,
                                     const aquifer_client_options_t* options,
                                     aquifer_client_t** client, aquifer_error_t* error) {
  return open_handle(client, error, [&]() -> Result<aquifer_client_t*> {
    if (pool == nullptr) {
      return error_of(kNullHandle);
    }
    auto known = read(options);
    if (known.refused != nullptr) {
      return error_of(*known.refused);
    }
    const auto timeout = known.value.timeout;
    auto opened = pool->pool.client(std::move(known.value));
    if (!opened) {
      return std::move(opened).error();
    }
    return new aquifer_client_t(*std::move(opened), timeout);
  });
}

const char* aquifer_pool_meta_address(const aquifer_pool_t* pool) {
  return pool == nullptr ? nullptr : pool->meta_address.c_str();
}

void aquifer_pool_close(aquifer_pool_t* pool) {
  if (pool != nullptr) {
    guard([&] {
      pool->pool.close();
      return AQUIFER_OK;
    });
  }
}

void aquifer_pool_free(aquifer_pool_t* pool) {
  aquifer_pool_close(pool);
  delete pool;
}
