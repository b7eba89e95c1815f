// A small HTTP server for people and monitors: metrics, health, what is in a pool. A few threads of
// its own; nothing of it is on the path of a put or get. Not here: what the answers say.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "aquifer/result.h"
#include "io/address.h"

namespace aquifer::admin {

/// A request, its path and query decoded (%41, +).
struct Request {
  std::string method;
  std::string path;
  std::map<std::string, std::string> query;
  std::string body;
};

struct Response {
  unsigned status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

/// Called on several threads at once. What it throws is answered with 500.
using Handler = std::function<Response(const Request&)>;

/// Parses what stands behind the host in a request: the path, and the pairs behind "?". Errors:
/// kInvalidArgument for a bad %-sequence.
Result<Request> parse_target(std::string_view target);

/// The reverse for text that goes into a URL.
std::string escape(std::string_view text);

class HttpServer {
 public:
  /// Listens at `address` (port 0 takes a free one). Errors: kInvalidArgument, kConflict (port in
  /// use), kIo.
  static Result<std::unique_ptr<HttpServer>> start(const io::Address& address, Handler handler);

  virtual ~HttpServer() = default;

  /// The address, with the real port.
  virtual io::Address address() const = 0;

  /// Closes all connections and ends the threads. Repeatable.
  virtual void stop() = 0;
};

}  // namespace aquifer::admin
