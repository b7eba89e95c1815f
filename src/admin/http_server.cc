#include "admin/http_server.h"

#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "io/socket.h"

namespace aquifer::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr unsigned kThreads = 2;
constexpr int kConnectionsMax = 128;
constexpr std::size_t kBodyMax = std::size_t{1} << 20;
constexpr std::uint32_t kHeaderMax = 16384;
constexpr std::chrono::seconds kIdle{30};
constexpr std::chrono::milliseconds kPause{100};

Response answer(const Handler& handler, const http::request<http::string_body>& message) {
  const auto target = message.target();
  auto request = parse_target({target.data(), target.size()});
  if (!request) return {400, request.error().text() + "\n"};
  const auto method = message.method_string();
  request->method.assign(method.data(), method.size());
  request->body = message.body();
  try {
    return handler(*request);
  } catch (const std::exception& error) {
    base::log_error("http", error.what());
    return {500, "internal server error\n"};
  }
}

/// One connection: a request at a time, kept open between them.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Tcp::socket socket, const Handler& handler, std::atomic<int>& count)
      : stream_(std::move(socket)), handler_(handler), count_(count) {
    ++count_;
  }
  ~Connection() { --count_; }

  void read() {
    parser_.emplace();
    parser_->body_limit(kBodyMax);
    parser_->header_limit(kHeaderMax);
    stream_.expires_after(kIdle);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code error, std::size_t) { self->got(error); });
  }

 private:
  void got(beast::error_code error) {
    if (error == http::error::body_limit || error == http::error::header_limit) {
      return write({413, "the request is too large\n"}, 11, false, false);
    }
    if (error) return close();
    const auto& message = parser_->get();
    write(answer(handler_, message), message.version(), message.keep_alive(),
          message.method() == http::verb::head);
  }

  void write(Response response, unsigned version, bool keep_alive, bool only_head) {
    message_ = http::response<http::string_body>();
    message_.version(version);
    message_.result(response.status);
    message_.set(http::field::content_type, response.content_type);
    message_.keep_alive(keep_alive);
    message_.content_length(response.body.size());
    if (!only_head) message_.body() = std::move(response.body);
    stream_.expires_after(kIdle);
    const auto done = [self = shared_from_this(), keep_alive](beast::error_code error,
                                                              std::size_t) {
      if (error || !keep_alive) return self->close();
      self->read();
    };
    if (only_head) {
      serializer_.emplace(message_);
      return http::async_write_header(stream_, *serializer_, done);
    }
    http::async_write(stream_, message_, done);
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  const Handler& handler_;
  std::atomic<int>& count_;
  beast::flat_buffer buffer_{kHeaderMax + kBodyMax};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> message_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
};

class Server : public HttpServer {
 public:
  Server(io::Address address, base::UniqueFd listening, Handler handler)
      : address_(std::move(address)), handler_(std::move(handler)), acceptor_(context_) {
    acceptor_.assign(address_.host.find(':') == std::string::npos ? Tcp::v4() : Tcp::v6(),
                     listening.release());
    accept();
    for (unsigned i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this] { context_.run(); });
    }
  }
  ~Server() override { stop(); }

  io::Address address() const override { return address_; }

  void stop() override {
    const std::lock_guard lock(mutex_);
    context_.stop();
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
    beast::error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  void accept() {
    acceptor_.async_accept(
        asio::make_strand(context_), [this](beast::error_code error, Tcp::socket socket) {
          if (!error && connections_ < kConnectionsMax) {
            std::make_shared<Connection>(std::move(socket), handler_, connections_)->read();
          }
          if (error == asio::error::operation_aborted) return;
          error ? accept_later() : accept();
        });
  }

  // Without a descriptor to be had, to ask again at once would only burn the CPU.
  void accept_later() {
    pause_.expires_after(kPause);
    pause_.async_wait([this](beast::error_code error) {
      if (!error) accept();
    });
  }

  const io::Address address_;
  const Handler handler_;
  std::atomic<int> connections_{0};
  asio::io_context context_;
  Tcp::acceptor acceptor_;
  asio::steady_timer pause_{context_};
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const io::Address& address, Handler handler) {
  auto listening = io::listen_tcp(address);
  if (!listening) return std::move(listening).error();
  auto bound = io::local_address(listening->get());
  if (!bound) return std::move(bound).error();
  return std::unique_ptr<HttpServer>(
      std::make_unique<Server>(*std::move(bound), *std::move(listening), std::move(handler)));
}

}  // namespace aquifer::admin
