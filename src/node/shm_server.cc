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
  if (user != 0 && user != static_cast<int>(geteuid())) {
    return;
  }
  if (waiting_.size() >= kWaitingMax) {
    waiting_.erase(waiting_.begin());  // who asks at once is not kept out by who says nothing
  }
  const std::uint64_t number = next_++;
  io::Watch& watch =
      *waiting_.emplace(number, std::make_unique<io::Watch>(loop_, std::move(fd))).first->second;
  watch.when_readable([this, number] { on_request(number); });
  loop_.after(kPatience,
              [this, number] { waiting_.erase(number); });  // a silent peer does not stay
}

void ShmServer::on_request(std::uint64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) {
    return;
  }
  const auto watch = std::move(found->second);
  waiting_.erase(found);
  protocol::ShmRequest request;
  const ssize_t got = recv(watch->fd(), &request, sizeof request, 0);
  if (got == sizeof request && request.magic == protocol::kShmMagic) {
    answer(watch->fd());
  }
}

void ShmServer::answer(int fd) {
  const auto segment = segment_();
  protocol::ShmReply reply;
  reply.segment = segment->view().id();
  reply.total_bytes = segment->view().shape().total_bytes();
  auto handed = segment->hand_out();
  reply.status = static_cast<std::int32_t>(handed.code());
  reply.user = handed.ok() ? handed->user : pool::kUsersMax;
  io::send_with_fd(fd, std::as_bytes(std::span(&reply, 1)), handed.ok() ? handed->fd.get() : -1);
}

}  // namespace aquifer::node
