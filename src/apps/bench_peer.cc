#include "apps/bench_peer.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace aquifer::apps {
namespace {

constexpr auto kStart = std::chrono::seconds(20);
constexpr auto kStop = std::chrono::seconds(20);
constexpr timeval kAnswer{.tv_sec = 30, .tv_usec = 0};
constexpr std::size_t kPiecesPerCall = 128;

// Redis: arrays of bulk strings, https://redis.io/docs/latest/develop/reference/protocol-spec.

std::vector<std::string> redis_arguments(const std::string& socket, std::uint64_t) {
  return {"--port",       "0",  "--unixsocket", socket, "--save",     "",
          "--appendonly", "no", "--daemonize",  "no",   "--loglevel", "warning"};
}

std::string redis_set_head(std::string_view key, std::uint64_t bytes) {
  return base::cat("*3\r\n$3\r\nSET\r\n$", key.size(), "\r\n", key, "\r\n$", bytes, "\r\n");
}

std::string redis_get(std::string_view key) {
  return base::cat("*2\r\n$3\r\nGET\r\n$", key.size(), "\r\n", key, "\r\n");
}

std::string redis_value_head(std::string_view, std::uint64_t bytes) {
  return base::cat("$", bytes, "\r\n");
}

// memcached: the text protocol, protocol.txt of its sources.

std::vector<std::string> memcached_arguments(const std::string& socket, std::uint64_t value_bytes) {
  // The limit is not taken at once. Slabs waste some of it, and an item must fit beside the others.
  const std::uint64_t megabytes = 2 * (value_bytes >> 20) + 256;
  std::vector<std::string> words{"-s", socket, "-I", "64m", "-m", std::to_string(megabytes)};
  if (geteuid() == 0) words.insert(words.end(), {"-u", "root"});
  return words;
}

std::string memcached_set_head(std::string_view key, std::uint64_t bytes) {
  return base::cat("set ", key, " 0 0 ", bytes, "\r\n");
}

std::string memcached_get(std::string_view key) { return base::cat("get ", key, "\r\n"); }

std::string memcached_value_head(std::string_view key, std::uint64_t bytes) {
  return base::cat("VALUE ", key, " 0 ", bytes, "\r\n");
}

constexpr std::array kProtocols{
    PeerProtocol{"redis", "redis-server", "redis-server", redis_arguments, redis_set_head,
                 "+OK\r\n", redis_get, redis_value_head, "\r\n"},
    PeerProtocol{"memcached", "memcached", "memcached", memcached_arguments, memcached_set_head,
                 "STORED\r\n", memcached_get, memcached_value_head, "\r\nEND\r\n"},
};

/// Where a program lies that is not ours: in PATH, or where Debian puts servers.
std::optional<std::string> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::string folders = base::cat(path == nullptr ? "" : path, ":/usr/bin:/usr/sbin");
  for (std::size_t begin = 0; begin < folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string file = base::cat(folders.substr(begin, end - begin), "/", name);
    if (end > begin && access(file.c_str(), X_OK) == 0) return file;
    begin = end + 1;
  }
  return std::nullopt;
}

/// A folder of our own for the socket, gone with this.
class SocketFolder {
 public:
  SocketFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "aquifer-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~SocketFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  SocketFolder(const SocketFolder&) = delete;
  SocketFolder& operator=(const SocketFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

base::UniqueFd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path.data(), path.size());
  base::UniqueFd stream(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (!stream || connect(stream.get(), generic, sizeof address) != 0) return {};
  setsockopt(stream.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswer, sizeof kAnswer);
  setsockopt(stream.get(), SOL_SOCKET, SO_SNDTIMEO, &kAnswer, sizeof kAnswer);
  return stream;
}

iovec vector_of(const void* address, std::size_t bytes) {
  return {const_cast<void*>(address), bytes};
}

/// What is left of some ranges after `done` bytes of them; `left` starts behind those that are
/// done.
void skip(std::span<iovec>& left, std::size_t done) {
  while (!left.empty() && done >= left.front().iov_len) {
    done -= left.front().iov_len;
    left = left.subspan(1);
  }
  if (left.empty()) return;
  left.front().iov_base = static_cast<char*>(left.front().iov_base) + done;
  left.front().iov_len -= done;
}

msghdr message_of(std::span<iovec> ranges) {
  msghdr message{};
  message.msg_iov = ranges.data();
  message.msg_iovlen = std::min(ranges.size(), kPiecesPerCall);
  return message;
}

}  // namespace

std::span<const PeerProtocol> peer_protocols() { return kProtocols; }

Result<BenchPeer> BenchPeer::start(const PeerProtocol& protocol, std::uint64_t value_bytes) {
  const auto program = find_program(protocol.program);
  if (!program) {
    return Error{Status::kNotSupported, base::cat(protocol.program, " is not installed"),
                 base::cat("apt-get install ", protocol.package)};
  }
  // Gone as soon as there is a connection, so that not even a killed run leaves it behind.
  const SocketFolder folder;
  const std::string socket = folder.path() + "/socket";
  base::UniqueFd stream;
  auto server = ChildProcess::start_until(
      *program, protocol.arguments(socket, value_bytes),
      [&] {
        stream = connect_to(socket);
        return static_cast<bool>(stream);
      },
      kStart);
  if (!server) return server.error();
  return BenchPeer(protocol, std::move(*server), std::move(stream));
}

Result<void> BenchPeer::stop() {
  stream_.reset();
  return server_.stop(kStop);
}

Result<void> BenchPeer::put(std::string_view key, std::span<const ConstPiece> pieces) {
  std::uint64_t bytes = 0;
  for (const ConstPiece& piece : pieces) bytes += piece.bytes;
  if (auto sent = send(protocol_->set_head(key, bytes), pieces, "\r\n"); !sent) return sent;
  return receive(protocol_->set_answer, {}, "");
}

Result<void> BenchPeer::get(std::string_view key, std::span<const Piece> pieces) {
  std::uint64_t bytes = 0;
  for (const Piece& piece : pieces) bytes += piece.bytes;
  if (auto sent = send(protocol_->get_request(key), {}, ""); !sent) return sent;
  return receive(protocol_->value_head(key, bytes), pieces, protocol_->value_tail);
}

Error BenchPeer::give_up(std::string what) {
  stream_.reset();
  return {Status::kIo, base::cat(protocol_->name, " ", what), ""};
}

Result<void> BenchPeer::send(std::string_view head, std::span<const ConstPiece> pieces,
                             std::string_view tail) {
  std::vector<iovec> ranges{vector_of(head.data(), head.size())};
  for (const ConstPiece& piece : pieces) ranges.push_back(vector_of(piece.address, piece.bytes));
  ranges.push_back(vector_of(tail.data(), tail.size()));
  std::span<iovec> left(ranges);
  skip(left, 0);
  while (!left.empty()) {
    const msghdr message = message_of(left);
    const ssize_t sent = sendmsg(stream_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) {
      return give_up(base::cat("takes no request: ", std::strerror(errno)));
    }
    skip(left, static_cast<std::size_t>(sent));
  }
  return {};
}

/// Receives what must be exactly `head`, the pieces' bytes, and `tail`. The first bytes that are
/// not as expected end it.
Result<void> BenchPeer::receive(std::string_view head, std::span<const Piece> pieces,
                                std::string_view tail) {
  std::string got_head(head.size(), '\0');
  std::string got_tail(tail.size(), '\0');
  std::vector<iovec> ranges{vector_of(got_head.data(), got_head.size())};
  for (const Piece& piece : pieces) ranges.push_back(vector_of(piece.address, piece.bytes));
  ranges.push_back(vector_of(got_tail.data(), got_tail.size()));
  std::span<iovec> left(ranges);
  std::size_t seen = 0;
  skip(left, 0);
  while (!left.empty()) {
    msghdr message = message_of(left);
    const ssize_t got = recvmsg(stream_.get(), &message, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return give_up(base::cat("does not answer: ",
                               got == 0 ? "it closed the connection" : std::strerror(errno)));
    }
    seen += static_cast<std::size_t>(got);
    const std::size_t compared = std::min(seen, head.size());
    if (got_head.compare(0, compared, head, 0, compared) != 0) {
      const std::string answer = got_head.substr(0, std::min(got_head.find('\r'), compared));
      return give_up(base::cat("answered '", answer, "'"));
    }
    skip(left, static_cast<std::size_t>(got));
  }
  if (got_tail == tail) return {};
  return give_up("ended a value wrongly");
}

}  // namespace aquifer::apps
