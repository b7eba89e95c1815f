// A client's session with a pool: what the public calls do, over look-ups (meta), handles (cache)
// and transfers. One per Client; thread-safe. Not here: how bytes move (transfer.h), how requests
// travel (rpc/channel.h).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aquifer/client.h"
#include "client/handle_cache.h"
#include "client/peers.h"
#include "client/probed_breaker.h"
#include "client/surroundings.h"
#include "client/transfer.h"
#include "client/workers.h"
#include "protocol/messages.h"

namespace aquifer::client {

/// One call: its namespace and its deadline.
struct Call {
  std::string_view name_space;
  io::Deadline deadline;
  std::chrono::milliseconds fill{0};  ///< the right to fill what is missing is asked for
};

class OpenObject;

class Session : public std::enable_shared_from_this<Session> {
 public:
  static Result<std::shared_ptr<Session>> open(ClientOptions options,
                                               std::unique_ptr<Surroundings> around);
  ~Session();

  Result<Call> begin(const CallOptions& options);

  std::vector<Status> put(std::span<const PutItem> items, const PutOptions& options,
                          const Call& call);
  std::vector<Status> put_group(std::span<const PutItem> items, const PutOptions& options,
                                const Call& call);
  std::vector<Result<PendingPut>> open_puts(std::span<const OpenItem> items,
                                            const PutOptions& options,
                                            std::chrono::milliseconds lifetime, const Call& call);
  /// What they hold.
  std::vector<Result<std::shared_ptr<OpenObject>>> open_objects(std::span<const OpenItem> items,
                                                                const PutOptions& options,
                                                                std::chrono::milliseconds lifetime,
                                                                const Call& call);
  std::vector<GetOutcome> get(std::span<const GetItem> items, const Call& call);
  std::vector<GetOutcome> get_ranges(std::span<const RangeItem> items, const Call& call);
  std::vector<Result<View>> views(std::span<const std::string_view> keys, const Call& call);
  std::vector<GetOutcome> locate(std::span<const std::string_view> keys, bool cached,
                                 const Call& call);
  std::size_t match_prefix(std::span<const std::string_view> keys, const Call& call);
  std::vector<Status> remove(std::span<const std::string_view> keys, const Call& call);
  std::vector<Status> pin(std::span<const std::string_view> keys, std::chrono::milliseconds ttl,
                          const Call& call);
  Result<ListPage> list(std::string_view prefix, std::string_view cursor, std::size_t entries_max,
                        const Call& call);
  Result<std::uint64_t> remove_prefix(std::string_view prefix, const Call& call);
  std::vector<ObjectStat> stat(std::span<const std::string_view> keys, const Call& call);
  Result<DrainProgress> drain(std::string_view node, bool cancel, const Call& call);
  Result<PoolStatus> status(const Call& call);
  ClientCounters counters() const;
  Error last_error() const;
  void remember(const Error& error);
  /// Finds words for what a key was refused, unless this call has left better ones. True when
  /// `status` is an error.
  bool remember(Status status, std::string_view key, unsigned replicas = 1);
  /// The same as an Error to return; has words for successes and misses too.
  Error explain(Status status, std::string_view key, unsigned replicas = 1);
  void close();
  /// True in a process that was forked from the one that opened the session.
  bool in_forked_child() const;

 private:
  friend class OpenObject;
  struct OpenPut;
  struct Reading;
  struct Viewing;
  Session(ClientOptions options, std::unique_ptr<Surroundings> around, io::Address meta);

  // session.cc
  /// A request that may be repeated is, within the deadline, when the way to meta breaks. One that
  /// must not be comes with `sent`, which tells whether meta may have got it.
  template <class Reply, class Request>
  Result<rpc::Payload> ask(protocol::Method method, const Request& request, Reply& reply,
                           io::Deadline deadline, bool* sent = nullptr);
  template <class Request>
  Result<rpc::Payload> call_meta(protocol::Method method, const Request& request,
                                 io::Deadline deadline, bool* sent);
  Result<void> greet(rpc::Caller& meta, base::ClientId id, io::Deadline deadline);
  /// On the breaker's thread.
  Result<void> probe_meta(io::Deadline deadline);
  void refresh_nodes(io::Deadline deadline);
  Effort effort(const Call& call);
  std::chrono::milliseconds left(const Call& call) const;
  /// Finds the way to a replica's node; false when there is none.
  bool route(Transfer& transfer, Work work, io::Deadline deadline);
  void move(std::span<Transfer* const> transfers, Work work, const Call& call);
  void note_moved(const Transfer& transfer, Work work);
  void note_use(const Handle& handle);
  void note_damage(const Transfer& transfer);
  void report_soon(io::Deadline deadline, bool at_once);
  /// What meta's answer for one key says: kOk with its handle, remembered from now on; anything
  /// else is forgotten.
  struct Found {
    Status status = Status::kNotFound;
    HandlePtr handle;
    std::chrono::milliseconds filling{0};
  };
  Found learn(std::string_view key, std::string_view encoded, const Call& call);
  /// Tells meta that puts are given up, now or with the next chance: until it knows, their space is
  /// in limbo.
  void give_up(protocol::PutFinish finish, io::Deadline deadline);
  void pay_owed(io::Deadline deadline);

  // put.cc
  /// False when nothing could be started. Items that may have been left behind, sealed, are marked
  /// in `found`.
  bool put_round(std::span<const PutItem> items, std::span<std::size_t const> indexes,
                 const PutOptions& options, const Call& call, std::vector<Status>& statuses,
                 std::vector<bool>& found);
  /// The deadline of a word that need not be answered.
  io::Deadline a_moment_past(const Call& call) const;
  /// Asks meta for room. A status per item; what may be written is in `open`.
  Status start_puts(protocol::PutStart& request, const PutOptions& options, const Call& call,
                    std::vector<Status>& statuses, std::vector<OpenPut>& open);
  void write_puts(std::vector<OpenPut>& open, bool group, const Call& call);
  void finish_puts(std::vector<OpenPut>& open, bool group, const Call& call,
                   std::vector<Status>& statuses);

  // get.cc
  std::vector<GetOutcome> read_all(std::vector<Reading>& readings, bool overlap, const Call& call);
  Status fit(Reading& reading);
  std::size_t choose_replica(const Reading& reading);
  static void aim(Reading& reading, Transfer& transfer);
  void find_handles(std::vector<Reading>& readings, const Call& call);
  void look_up(std::vector<Reading*>& missing, const Call& call);
  void read_round(std::vector<Reading>& readings, const Call& call);
  void judge(Reading& reading, const Transfer& transfer, const Call& call);

  // view.cc
  Result<View> view_one(std::string_view key, const Call& call);
  bool find_handle(Viewing& viewing, bool fresh, const Call& call);
  static std::unique_ptr<Transfer> transfer_of(const Viewing& viewing, const ReplicaPlace& place,
                                               const Call& call);
  std::unique_ptr<ViewState> look(Transfer& transfer, Viewing& viewing, const Call& call);
  Result<View> copied_view(const Viewing& viewing, const Call& call);

  const ClientOptions options_;
  const std::unique_ptr<Surroundings> around_;
  Time& time_;
  const io::Address meta_;
  const base::ClientId id_;
  const int process_;
  std::atomic<std::uint64_t> next_ticket_{1};
  std::atomic<std::uint64_t> epoch_{0};  ///< of the meta that has welcomed it last
  const std::string host_;
  std::atomic<bool> closed_{false};
  HandleCache cache_;
  Peers peers_;
  Workers workers_;
  const std::unique_ptr<rpc::Caller> channel_;
  ProbedBreaker breaker_;  ///< of meta

  struct Counters {
    std::atomic<std::uint64_t> hits{0}, misses{0}, integrity_failures{0}, stale_handles{0};
    std::atomic<std::uint64_t> shm_read{0}, shm_written{0}, tcp_read{0}, tcp_written{0};
  };
  Counters counters_;

  mutable std::mutex report_mutex_;  ///< guards report_ and what belongs to it
  protocol::Report report_;
  protocol::PutFinish owed_;  ///< given up, but meta could not be told yet
  io::Deadline reported_{};

  mutable std::mutex error_mutex_;
  Error last_error_{Status::kOk, {}, {}};
  std::atomic<bool> error_is_fresh_{false};  ///< left since the latest call began
};

}  // namespace aquifer::client
