// The public face: argument checks, and the border that nothing of ours is thrown across.
#include "aquifer/client.h"

#include <exception>

#include "client/own_surroundings.h"
#include "client/session.h"

namespace aquifer {
namespace {

using client::Call;
using client::Session;

// Runs one call; whatever goes wrong inside closes the session and is the answer `failed(status)`.
template <class Run, class Failed>
auto guard(Session& session, const CallOptions& options, Run run, Failed failed) noexcept
    -> decltype(failed(Status())) {
  try {
    auto call = session.begin(options);
    if (!call) {
      if (!session.in_forked_child()) {
        session.remember(call.error());
      }
      return failed(call.code());
    }
    return run(*call);
  } catch (const std::exception& error) {
    session.remember(
        {Status::kInternal, error.what(), "this is a defect of aquifer: please report it"});
    session.close();
    return failed(Status::kInternal);
  }
}

bool too_many(Session& session, std::size_t count) {
  if (count > Limits::kBatchKeys) {
    session.remember({Status::kTooLarge, "a batch holds at most 16384 keys", "split the batch"});
    return true;
  }
  return false;
}

// The words for a status that a call ended with.
Error why(const Session& session, Status status) {
  const Error last =
      session.in_forked_child()
          ? Error{status, "this client was opened before fork()", "open a client in the child"}
          : session.last_error();
  return last.code == status && !last.message.empty()
             ? last
             : Error{status, std::string(name_of(status)), {}};
}

template <class T>
std::vector<Result<T>> errors(const Session& session, std::size_t count, Status status) {
  std::vector<Result<T>> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(why(session, status));
  }
  return all;
}

}  // namespace

Client::Client(std::shared_ptr<Session> session) : session_(std::move(session)) {}
Client::Client(Client&&) noexcept = default;

Client& Client::operator=(Client&& other) noexcept {
  std::swap(session_, other.session_);
  return *this;
}

Client::~Client() {
  if (session_ != nullptr && session_->in_forked_child()) {
    // The threads and locks of the session are the parent's; nothing here can be taken apart.
    new std::shared_ptr<Session>(std::move(session_));
  }
}

Result<Client> Client::open(ClientOptions options) {
  auto session = Session::open(std::move(options), std::make_unique<client::OwnSurroundings>());
  if (!session) {
    return std::move(session).error();
  }
  return Client(*std::move(session));
}

Status Client::put(std::string_view key, std::span<const ConstPiece> pieces,
                   const PutOptions& options) {
  const PutItem item{key, pieces};
  return put_batch({&item, 1}, options).front();
}

Status Client::put(std::string_view key, const void* value, std::size_t bytes,
                   const PutOptions& options) {
  const ConstPiece piece{value, bytes};
  return put(key, {&piece, 1}, options);
}

std::vector<Status> Client::put_batch(std::span<const PutItem> items, const PutOptions& options) {
  const auto failed = [&](Status status) { return std::vector<Status>(items.size(), status); };
  return guard(
      *session_, options.call,
      [&](const Call& call) {
        if (too_many(*session_, items.size())) {
          return failed(Status::kTooLarge);
        }
        if (options.replicas == 0 || options.replicas > Limits::kReplicas) {
          session_->remember({Status::kInvalidArgument, "replicas go from 1 to 8", {}});
          return failed(Status::kInvalidArgument);
        }
        return options.group ? session_->put_group(items, options, call)
                             : session_->put(items, options, call);
      },
      failed);
}

Status Client::put_if_absent(std::string_view key, std::span<const ConstPiece> pieces,
                             PutOptions options) {
  options.mode = PutMode::kIfAbsent;
  return put(key, pieces, options);
}

Status Client::replace(std::string_view key, std::span<const ConstPiece> pieces,
                       PutOptions options) {
  options.mode = PutMode::kReplace;
  return put(key, pieces, options);
}

Result<PendingPut> Client::open_put(std::string_view key, std::uint64_t bytes,
                                    const PutOptions& options, std::chrono::milliseconds lifetime) {
  const OpenItem item{key, bytes};
  return std::move(open_put_batch({&item, 1}, options, lifetime).front());
}

std::vector<Result<PendingPut>> Client::open_put_batch(std::span<const OpenItem> items,
                                                       const PutOptions& options,
                                                       std::chrono::milliseconds lifetime) {
  return guard(
      *session_, options.call,
      [&](const Call& call) {
        return too_many(*session_, items.size())
                   ? errors<PendingPut>(*session_, items.size(), Status::kTooLarge)
                   : session_->open_puts(items, options, lifetime, call);
      },
      [&](Status status) { return errors<PendingPut>(*session_, items.size(), status); });
}

GetOutcome Client::get_into(std::string_view key, std::span<const Piece> pieces,
                            const CallOptions& options) {
  const GetItem item{key, pieces};
  return get_batch({&item, 1}, options).front();
}

std::vector<GetOutcome> Client::get_batch(std::span<const GetItem> items,
                                          const CallOptions& options) {
  const auto failed = [&](Status status) {
    return std::vector<GetOutcome>(items.size(), GetOutcome{status, 0});
  };
  return guard(
      *session_, options,
      [&](const Call& call) {
        return too_many(*session_, items.size()) ? failed(Status::kTooLarge)
                                                 : session_->get(items, call);
      },
      failed);
}

GetOutcome Client::get_range(std::string_view key, std::uint64_t offset,
                             std::span<const Piece> pieces, const CallOptions& options) {
  const RangeItem item{key, offset, pieces};
  return get_range_batch({&item, 1}, options).front();
}

std::vector<GetOutcome> Client::get_range_batch(std::span<const RangeItem> items,
                                                const CallOptions& options) {
  const auto failed = [&](Status status) {
    return std::vector<GetOutcome>(items.size(), GetOutcome{status, 0});
  };
  return guard(
      *session_, options,
      [&](const Call& call) {
        return too_many(*session_, items.size()) ? failed(Status::kTooLarge)
                                                 : session_->get_ranges(items, call);
      },
      failed);
}

Result<View> Client::view(std::string_view key, const CallOptions& options) {
  return std::move(view_batch({&key, 1}, options).front());
}

std::vector<Result<View>> Client::view_batch(std::span<const std::string_view> keys,
                                             const CallOptions& options) {
  return guard(
      *session_, options,
      [&](const Call& call) {
        return too_many(*session_, keys.size())
                   ? errors<View>(*session_, keys.size(), Status::kTooLarge)
                   : session_->views(keys, call);
      },
      [&](Status status) { return errors<View>(*session_, keys.size(), status); });
}

Result<std::string> Client::get(std::string_view key, const CallOptions& options) {
  const auto failed = [&](Status status) { return Result<std::string>(why(*session_, status)); };
  return guard(
      *session_, options,
      [&](const Call& call) {
        // The size may change between the two steps when the object is replaced: then once more.
        for (int round = 0; round < 3; ++round) {
          const GetOutcome found = session_->locate({&key, 1}, true, call).front();
          if (found.status != Status::kOk) {
            return failed(found.status);
          }
          std::string value(found.bytes, '\0');
          const Piece piece{value.data(), value.size()};
          const GetItem item{key, {&piece, 1}};
          const GetOutcome got = session_->get({&item, 1}, call).front();
          if (got.status == Status::kOk) {
            value.resize(got.bytes);
            return Result<std::string>(std::move(value));
          }
          if (got.status != Status::kTooSmall) {
            return failed(got.status);
          }
        }
        return failed(Status::kBusy);
      },
      failed);
}

std::vector<GetOutcome> Client::locate_batch(std::span<const std::string_view> keys,
                                             const CallOptions& options) {
  const auto failed = [&](Status status) {
    return std::vector<GetOutcome>(keys.size(), GetOutcome{status, 0});
  };
  return guard(
      *session_, options,
      [&](const Call& call) {
        return too_many(*session_, keys.size()) ? failed(Status::kTooLarge)
                                                : session_->locate(keys, true, call);
      },
      failed);
}

Status Client::exists(std::string_view key, const CallOptions& options) {
  return exists_batch({&key, 1}, options).front();
}

std::vector<Status> Client::exists_batch(std::span<const std::string_view> keys,
                                         const CallOptions& options) {
  const auto failed = [&](Status status) { return std::vector<Status>(keys.size(), status); };
  return guard(
      *session_, options,
      [&](const Call& call) {
        if (too_many(*session_, keys.size())) {
          return failed(Status::kTooLarge);
        }
        std::vector<Status> statuses;
        for (const GetOutcome& outcome : session_->locate(keys, false, call)) {
          statuses.push_back(outcome.status);
        }
        return statuses;
      },
      failed);
}

std::size_t Client::match_prefix(std::span<const std::string_view> keys,
                                 const CallOptions& options) {
  return guard(
      *session_, options,
      [&](const Call& call) -> std::size_t {
        return too_many(*session_, keys.size()) ? 0 : session_->match_prefix(keys, call);
      },
      [](Status) -> std::size_t { return 0; });
}

Status Client::remove(std::string_view key, const CallOptions& options) {
  return remove_batch({&key, 1}, options).front();
}

std::vector<Status> Client::remove_batch(std::span<const std::string_view> keys,
                                         const CallOptions& options) {
  const auto failed = [&](Status status) { return std::vector<Status>(keys.size(), status); };
  return guard(
      *session_, options,
      [&](const Call& call) {
        return too_many(*session_, keys.size()) ? failed(Status::kTooLarge)
                                                : session_->remove(keys, call);
      },
      failed);
}

Status Client::pin(std::string_view key, std::chrono::milliseconds ttl,
                   const CallOptions& options) {
  return pin_batch({&key, 1}, ttl, options).front();
}

std::vector<Status> Client::pin_batch(std::span<const std::string_view> keys,
                                      std::chrono::milliseconds ttl, const CallOptions& options) {
  const auto failed = [&](Status status) { return std::vector<Status>(keys.size(), status); };
  return guard(
      *session_, options,
      [&](const Call& call) {
        return too_many(*session_, keys.size()) ? failed(Status::kTooLarge)
                                                : session_->pin(keys, ttl, call);
      },
      failed);
}

Result<ListPage> Client::list(std::string_view prefix, std::string_view cursor,
                              std::size_t entries_max, const CallOptions& options) {
  return guard(
      *session_, options,
      [&](const Call& call) { return session_->list(prefix, cursor, entries_max, call); },
      [&](Status status) { return Result<ListPage>(why(*session_, status)); });
}

Result<std::uint64_t> Client::remove_prefix(std::string_view prefix, const CallOptions& options) {
  return guard(
      *session_, options, [&](const Call& call) { return session_->remove_prefix(prefix, call); },
      [&](Status status) { return Result<std::uint64_t>(why(*session_, status)); });
}

Result<ObjectStat> Client::stat(std::string_view key, const CallOptions& options) {
  return guard(
      *session_, options,
      [&](const Call& call) -> Result<ObjectStat> {
        ObjectStat stat = std::move(session_->stat({&key, 1}, call).front());
        if (stat.status == Status::kInFlight) {
          stat.status = Status::kNotFound;
        }
        if (stat.status != Status::kOk) {
          return session_->explain(stat.status, key);
        }
        return stat;
      },
      [&](Status status) { return Result<ObjectStat>(why(*session_, status)); });
}

std::vector<ObjectStat> Client::stat_batch(std::span<const std::string_view> keys,
                                           const CallOptions& options) {
  const auto failed = [&](Status status) {
    return std::vector<ObjectStat>(keys.size(), ObjectStat{status, 0, {}});
  };
  return guard(
      *session_, options,
      [&](const Call& call) {
        return too_many(*session_, keys.size()) ? failed(Status::kTooLarge)
                                                : session_->stat(keys, call);
      },
      failed);
}

Result<DrainProgress> Client::drain(std::string_view node, bool cancel,
                                    const CallOptions& options) {
  return guard(
      *session_, options, [&](const Call& call) { return session_->drain(node, cancel, call); },
      [&](Status status) { return Result<DrainProgress>(why(*session_, status)); });
}

Result<PoolStatus> Client::status(const CallOptions& options) {
  return guard(
      *session_, options, [&](const Call& call) { return session_->status(call); },
      [&](Status status) { return Result<PoolStatus>(why(*session_, status)); });
}

ClientCounters Client::counters() const { return session_->counters(); }

Error Client::last_error() const {
  return session_->in_forked_child()
             ? Error{Status::kClosed, "this client was opened before fork()", {}}
             : session_->last_error();
}

void Client::close() {
  if (session_ != nullptr) {
    session_->close();
  }
}

}  // namespace aquifer
