// The client's life, and its latest error.
#include "capi/convert.h"
#include "capi/open.h"

using namespace aquifer;
using namespace aquifer::capi;

aquifer_status_t aquifer_client_open(const aquifer_client_options_t* options,
                                     aquifer_client_t** client, aquifer_error_t* error) {
  return open_handle(client, error, [&]() -> Result<aquifer_client_t*> {
    auto known = read(options);
    if (known.refused != nullptr) {
      return error_of(*known.refused);
    }
    const auto timeout = known.value.timeout;
    auto opened = Client::open(std::move(known.value));
    if (!opened) {
      return std::move(opened).error();
    }
    return new aquifer_client_t(*std::move(opened), timeout);
  });
}

void aquifer_client_close(aquifer_client_t* client) {
  guard(client, [&] {
    client->client.close();
    return AQUIFER_OK;
  });
}

void aquifer_client_free(aquifer_client_t* client) {
  aquifer_client_close(client);
  delete client;
}

aquifer_status_t aquifer_last_error(const aquifer_client_t* client, aquifer_error_t* error) {
  return guard(client, [&] {
    if (error == nullptr) {
      return client->refuse(kNullAnswer);
    }
    const Refusal* refused = client->refused.load(std::memory_order_relaxed);
    return write_error(refused != nullptr ? error_of(*refused) : client->client.last_error(),
                       error);
  });
}
