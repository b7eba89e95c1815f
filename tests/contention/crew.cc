#include "crew.h"

#include "reader.h"
#include "writer.h"

namespace aquifer::contention {

Crew::Crew(Board& board, std::span<Client> clients, unsigned writers, unsigned readers,
           std::uint64_t seed) {
  for (Client& client : clients) {
    for (unsigned i = 0; i < writers; ++i) {
      threads_.emplace_back(
          [&board, &client, seed = ++seed] { Writer(board, client, seed).run(); });
    }
    for (unsigned i = 0; i < readers; ++i) {
      threads_.emplace_back(
          [&board, &client, seed = ++seed] { Reader(board, client, seed).run(); });
    }
  }
}

Crew::~Crew() {
  for (std::thread& thread : threads_) thread.join();
}

bool is_allowed(Call call, Status status) {
  switch (status) {
    case Status::kOk:
    case Status::kTimeout:
    case Status::kBusy:
      return true;
    case Status::kNotFound:
      return call >= Call::kRemove && call != Call::kList;
    case Status::kExists:
    case Status::kCancelled:
    case Status::kUnknown:
      return call < Call::kRemove;
    case Status::kInFlight:
      return call == Call::kPutIfAbsent;
    case Status::kPending:
      return call == Call::kRemove || call == Call::kReplace;
    default:
      return false;
  }
}

}  // namespace aquifer::contention
