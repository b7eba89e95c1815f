// Another server to measure the pool against: Redis or memcached, as Debian brings them, started
// for the run on a Unix socket that nobody else sees, and spoken to over one connection in its own
// protocol. As quick as a client can be: a request is one scattered send out of the caller's
// pieces, an answer scattered receives straight into them. Values of a size that the caller knows;
// not a general client.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/workload_process.h"
#include "aquifer/result.h"
#include "aquifer/types.h"
#include "base/unique_fd.h"

namespace aquifer::apps {

/// What is said over the wire, and how the server is started. A plain value.
struct PeerProtocol {
  std::string_view name;  ///< as --against has it; the Debian package's and program's follow
  std::string_view package;
  std::string_view program;
  std::vector<std::string> (*arguments)(const std::string& socket, std::uint64_t value_bytes);

  std::string (*set_head)(std::string_view key, std::uint64_t bytes);
  std::string_view set_answer;
  std::string (*get_request)(std::string_view key);
  std::string (*value_head)(std::string_view key, std::uint64_t bytes);
  std::string_view value_tail;
};

/// All that are known.
std::span<const PeerProtocol> peer_protocols();

/// One connection to one server. One thread at a time.
class BenchPeer {
 public:
  /// Starts the server with room for `value_bytes` bytes of values, and connects. Errors:
  /// kNotSupported, with the package to install; kIo, kTimeout.
  static Result<BenchPeer> start(const PeerProtocol& protocol, std::uint64_t value_bytes);

  /// Stores the concatenation of the pieces. Errors: kIo, with what the server answered instead;
  /// after one all calls fail.
  Result<void> put(std::string_view key, std::span<const ConstPiece> pieces);

  /// Reads a value of exactly the pieces' size into them. Errors: kIo, a miss included.
  Result<void> get(std::string_view key, std::span<const Piece> pieces);

  std::uint64_t process() const { return static_cast<std::uint64_t>(server_.pid()); }

  /// Ends the server. Errors: kIo, when it did not end well.
  Result<void> stop();

 private:
  BenchPeer(const PeerProtocol& protocol, ChildProcess server, base::UniqueFd stream)
      : protocol_(&protocol), server_(std::move(server)), stream_(std::move(stream)) {}
  /// After an error nobody knows what comes next over the connection, so it ends.
  Error give_up(std::string what);
  Result<void> send(std::string_view head, std::span<const ConstPiece> pieces,
                    std::string_view tail);
  Result<void> receive(std::string_view head, std::span<const Piece> pieces, std::string_view tail);

  const PeerProtocol* protocol_;
  ChildProcess server_;
  base::UniqueFd stream_;
};

}  // namespace aquifer::apps
