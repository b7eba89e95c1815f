// A whole pool inside this process, for tests and single machines. Other processes of this host can
// join it by its address.
//
//     embedded_pool
#include <aquifer/pool.h>

#include <iostream>

int main() {
  auto pool = aquifer::Pool::open({.dram_bytes = 64u << 20});
  if (!pool) {
    std::cerr << pool.error().text() << '\n';
    return 1;
  }
  auto client = pool->client();
  if (!client) {
    std::cerr << client.error().text() << '\n';
    return 1;
  }

  client->put("greeting", "hello, pool", 11);
  if (const auto value = client->get("greeting")) {
    std::cout << *value << '\n';
  } else {
    std::cerr << value.error().text() << '\n';
    return 1;
  }
  if (const auto status = client->status()) {
    std::cout << status->objects << " object in " << (status->capacity_bytes >> 20) << " MiB\n";
  }
}
