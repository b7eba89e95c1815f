// A value looked at where it lies, in memory that the node shares with this process: no copy. It
// stays readable until the view ends, even if the object is removed meanwhile.
//
//     view [META]        with a pool running: aquifer solo
#include <aquifer/client.h>

#include <algorithm>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
  aquifer::ClientOptions options;
  if (argc > 1) options.meta = argv[1];
  auto client = aquifer::Client::open(options);
  if (!client) {
    std::cerr << client.error().text() << '\n';
    return 1;
  }

  const std::string text(1 << 20, 'x');
  client->put("document/1", text.data(), text.size());
  auto view = client->view("document/1");
  if (!view) {
    std::cerr << view.error().text() << '\n';
    return 1;
  }
  client->remove("document/1");

  std::ptrdiff_t found = 0;
  for (const aquifer::ConstPiece& piece : view->pieces()) {
    const auto* bytes = static_cast<const char*>(piece.address);
    found += std::count(bytes, bytes + piece.bytes, 'x');
  }
  std::cout << found << " of " << view->bytes() << " bytes are 'x', seen "
            << (view->is_copy() ? "in a copy" : "in place") << '\n';
}
