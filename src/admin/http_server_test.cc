#include "admin/http_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#include "io/socket.h"

namespace aquifer::admin {
namespace {

TEST(TargetTest, PathAndQueryAreDecoded) {
  const auto request = parse_target("/a%2Fb/c+d?key=model%3A%2f+x&empty=&none&key=last");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->path, "/a/b/c+d");
  EXPECT_EQ(request->query.at("key"), "last");
  EXPECT_EQ(request->query.at("empty"), "");
  EXPECT_EQ(request->query.at("none"), "");
  EXPECT_EQ(parse_target("/?k=a+b%20c")->query.at("k"), "a b c");
  EXPECT_TRUE(parse_target("/?")->query.empty());
}

TEST(TargetTest, BadSequencesAreErrors) {
  for (const char* target : {"/%", "/%4", "/%zz", "/?k=%1", "/?%=1"}) {
    EXPECT_EQ(parse_target(target).code(), Status::kInvalidArgument) << target;
  }
}

TEST(TargetTest, EscapeIsTheReverse) {
  const std::string text = "a/b:c@d e+f%\n\xc3\xa9";
  EXPECT_EQ(parse_target("/?k=" + escape(text))->query.at("k"), text);
}

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest()
      : server_(*HttpServer::start({"127.0.0.1", 0}, [](const Request& request) -> Response {
          if (request.path == "/throw") throw std::runtime_error("planted");
          if (request.path == "/missing") return {404, "no\n"};
          return {200, request.method + " " + request.path + " " + request.body};
        })) {}

  static io::Deadline soon() { return io::Clock::now() + std::chrono::seconds(10); }

  base::UniqueFd connect() {
    auto fd = io::connect_tcp(server_->address(), soon());
    EXPECT_TRUE(fd.ok());
    return *std::move(fd);
  }

  static void send(int fd, std::string text) {
    iovec part{text.data(), text.size()};
    EXPECT_TRUE(io::write_all(fd, {&part, 1}, soon()).ok());
  }

  /// All that comes until the server closes the connection, or `most` bytes.
  static std::string receive(int fd, std::size_t most = SIZE_MAX) {
    std::string all;
    char byte = 0;
    iovec part{&byte, 1};
    while (all.size() < most) {
      part = {&byte, 1};
      if (!io::read_exact(fd, {&part, 1}, soon()).ok()) break;
      all += byte;
    }
    return all;
  }

  std::string ask(const std::string& request) {
    const auto fd = connect();
    send(fd.get(), request);
    return receive(fd.get());
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, RequestsAreAnswered) {
  const std::string got = ask("GET /x?y=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(got.substr(0, 15), "HTTP/1.1 200 OK");
  EXPECT_NE(got.find("\r\nContent-Type: text/plain"), std::string::npos);
  EXPECT_EQ(got.substr(got.size() - 7), "GET /x ");
  const std::string put =
      ask("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
  EXPECT_EQ(put.substr(put.size() - 11), "PUT /x body");
}

TEST_F(HttpServerTest, OtherEndsHaveTheirStatus) {
  const auto first_line = [&](const std::string& target) {
    const std::string got =
        ask("GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    return got.substr(0, got.find("\r\n"));
  };
  EXPECT_EQ(first_line("/missing"), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(first_line("/throw"), "HTTP/1.1 500 Internal Server Error");
  EXPECT_EQ(first_line("/%"), "HTTP/1.1 400 Bad Request");
}

TEST_F(HttpServerTest, ConnectionsAreKept) {
  const auto fd = connect();
  for (int i = 0; i < 3; ++i) {
    send(fd.get(), "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
    std::string got;
    while (got.find("GET /again ") == std::string::npos && got.size() < 1000) {
      got += receive(fd.get(), 1);
    }
    EXPECT_EQ(got.substr(0, 15), "HTTP/1.1 200 OK");
  }
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  const std::string got = ask("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(got.substr(0, 15), "HTTP/1.1 200 OK");
  EXPECT_EQ(got.substr(got.size() - 4), "\r\n\r\n");
}

TEST_F(HttpServerTest, TooLargeIsRefusedAndNonsenseIsClosed) {
  EXPECT_EQ(ask("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n").substr(0, 12),
            "HTTP/1.1 413");
  EXPECT_EQ(ask("nonsense\r\n\r\n"), "");
}

TEST_F(HttpServerTest, ManyAreServedAtOnceAndStopEndsThem) {
  std::vector<base::UniqueFd> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(connect());
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").substr(0, 15),
            "HTTP/1.1 200 OK");
  server_->stop();
  server_->stop();
  server_.reset();
  EXPECT_EQ(receive(silent[0].get()), "");
}

TEST_F(HttpServerTest, WithoutDescriptorsItGoesOnLater) {
  const base::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(server_->address().port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const int connected = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof where);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it cannot be accepted
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_EQ(connected, 0);
  send(fd.get(), "GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(receive(fd.get()).substr(0, 15), "HTTP/1.1 200 OK");
}

TEST(HttpServerStartTest, APortThatIsTakenIsAConflict) {
  const auto answer = [](const Request&) { return Response{}; };
  const auto first = HttpServer::start({"127.0.0.1", 0}, answer);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(HttpServer::start((*first)->address(), answer).code(), Status::kConflict);
}

}  // namespace
}  // namespace aquifer::admin
