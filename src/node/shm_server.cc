#include "node/shm_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include "io/socket.h"
#include "protocol/shm_hello.h"

namespace aquifer::node {
namespace {

constexpr std::size_t kWaitingMax = 256;
constexpr std::chrono::milliseconds kPatience{2000};

}  // namespace

ShmServer::ShmServer(io::Loop& loop, base::UniqueFd listening,
                     std::function<std::shared_ptr<SegmentHost>()> segment)
    : loop_(loop),
      segment_(std::move(segment)),
      acceptor_(loop, std::move(listening), [this](base::UniqueFd fd) { accept(std::move(fd)); }) {}

void ShmServer::accept(base::UniqueFd fd) {
  const int user = io::peer_user(fd.get());
  if (waiting_.size() >= kWaitingMax || (user != 0 && user != static_cast<int>(geteuid()))) {
    return;
  }
  auto watch = std::make_unique<io::Watch>(loop_, std::move(fd));
  io::Watch* const key = watch.get();
  key->when_readable([this, key] { on_request(key); });
  waiting_.emplace(key, std::move(watch));
  loop_.after(kPatience, [this, key] { waiting_.erase(key); });  // a silent peer does not stay
}

void ShmServer::on_request(io::Watch* watch) {
  protocol::ShmRequest request;
  const ssize_t got = recv(watch->fd(), &request, sizeof request, 0);
  if (got == sizeof request && request.magic == protocol::kShmMagic) {
    answer(watch->fd(), request.client);
  }
  waiting_.erase(watch);
}

void ShmServer::answer(int fd, base::ClientId client) {
  const auto segment = segment_();
  protocol::ShmReply reply;
  reply.segment = segment->view().id();
  reply.total_bytes = segment->view().shape().total_bytes();
  auto handed = segment->hand_out(client);
  reply.status = static_cast<std::int32_t>(handed.code());
  reply.viewer = handed.ok() ? handed->viewer : pool::kViewersMax;
  io::send_with_fd(fd, std::as_bytes(std::span(&reply, 1)), handed.ok() ? handed->fd.get() : -1);
}

}  // namespace aquifer::node
