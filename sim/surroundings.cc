#include "sim/surroundings.h"

#include <array>
#include <optional>

#include "memory/scatter.h"
#include "sim/client_process.h"
#include "sim/meta_caller.h"

namespace aquifer::sim {

using client::Effort;
using client::Outcome;
using client::Transfer;
using client::Work;
using pool::SlotState;
using pool::SlotWord;

namespace {

Place place_of(const Transfer& transfer) {
  return {transfer.place.segment, transfer.place.slot, transfer.place.generation};
}

}  // namespace

client::Time& Surroundings::time() { return client_.threads(); }
std::uint64_t Surroundings::random_id() { return client_.world().random_id(); }
std::uint64_t Surroundings::process() { return client_.life(); }

std::unique_ptr<rpc::Caller> Surroundings::call_meta(const io::Address&, Greet greet) {
  const auto on_answer = [this](const rpc::Frame& request, std::string_view reply,
                                std::uint64_t meta) {
    if (Call* const call = client_.running_call()) {
      call->on_answer(request, reply, meta);
      call->step();
    }
  };
  return std::make_unique<MetaCaller>(client_, client_.threads(), network_, meta_, std::move(greet),
                                      on_answer);
}

// A node that does not run refuses, one that is stopped does not answer.
std::shared_ptr<client::MappedSegment> Surroundings::map(const client::Peer::Place& place,
                                                         base::ClientId, io::Deadline deadline) {
  NodeProcess* const node = client_.find_node(place.unix_name);
  if (node == nullptr || !node->runs()) {
    return nullptr;
  }
  struct Request {
    Threads::ThreadPtr thread;
    std::optional<NodeProcess::HandedOut> given;
  };
  const auto request = std::make_shared<Request>(Request{client_.threads().running(), {}});
  // Its session may be gone when the node comes to it.
  auto& client = client_;
  auto& world = client.world();
  node->after(world.between(10, 200), [&client, &world, node, request, life = client.life()] {
    if (!client.runs() || client.life() != life) {
      return;
    }
    client.after(world.between(10, 200), [&client, request, given = node->hand_out()] {
      request->given = given;
      client.threads().wake(request->thread);
    });
  });
  while (!request->given && client_.threads().now() < deadline) {
    client_.threads().wait(deadline);
  }
  if (!request->given) {
    return nullptr;
  }
  client_.note_mapped(request->given->memory);
  return std::make_shared<Mapped>(*request->given);
}

void Surroundings::move_by_memory(Work work, std::span<Transfer* const> transfers,
                                  const Effort& effort) {
  Effort in_steps = effort;
  in_steps.steps = this;
  in_steps.run_pages = 1;
  switch (work) {
    case Work::kRead:
      client::read_shm(transfers, in_steps);
      break;
    case Work::kWrite:
      client::write_shm(transfers, in_steps);
      break;
    case Work::kSeal:
      seals_later() ? postpone_seals(transfers) : client::seal_shm(transfers, in_steps);
      break;
    case Work::kVerify:
      client::verify_shm(transfers, in_steps);
      break;
  }
  for (Transfer* transfer : transfers) {
    if (work == Work::kRead && transfer->outcome.load() == Outcome::kStale &&
        client_.plan().fault == Fault::kReadsAnyGeneration) {
      read_any_generation(*transfer);
    }
    after(work, *transfer);
  }
  if (work == Work::kWrite || work == Work::kSeal) {
    client_.on_moment();
  }
}

void Surroundings::before(Step step, const Transfer& transfer) {
  Call* const call = client_.running_call();
  call->step();
  switch (step) {
    case Step::kDescribe:
    case Step::kWrite:
    case Step::kHeader:
    case Step::kSeal:
      call->on_write(transfer);
      client_.on_moment();
      if (step == Step::kSeal && client_.plan().fault == Fault::kSealsByStore) {
        transfer.mapped->view.slot(transfer.place.slot)
            .word.store(SlotWord{transfer.place.generation, SlotState::kGranted}.raw());
      }
      break;
    default:
      break;
  }
}

void Surroundings::after(Work work, const Transfer& transfer) {
  const auto say = [&](const auto&... parts) {
    client_.world().say(client_.name(), transfer.key, ": ", parts..., " slot ", transfer.place.slot,
                        " generation ", transfer.place.generation, " of segment ",
                        transfer.place.segment.value % 1000);
  };
  const bool reads = work == Work::kRead || work == Work::kVerify;
  if (work == Work::kSeal) {
    say(transfer.failed() ? "cannot seal" : "seals");
  } else if (reads && transfer.failed()) {
    say("cannot read");
  }
  if (reads && transfer.outcome.load() == Outcome::kDamaged) {
    client_.oracle().found_damaged(key_number(transfer.key), place_of(transfer));
  }
  if (reads) {
    client_.running_call()->on_read(transfer);
  }
}

// Whatever lies there, if only it is whole.
void Surroundings::read_any_generation(Transfer& transfer) {
  const auto& view = transfer.mapped->view;
  const std::uint64_t stored = transfer.stored_bytes();
  if (!view.extents_fit(transfer.place.used_extents(), stored)) {
    return;
  }
  std::array<Piece, pool::kExtentsMax> pieces;
  const std::size_t count = view.resolve(transfer.place.used_extents(), stored, pieces);
  const auto copy = [&](std::uint64_t seed, std::uint64_t offset, std::span<const Piece> to,
                        std::uint64_t at, std::uint64_t bytes) {
    memory::Cursor<Piece> from({pieces.data(), count}, offset);
    memory::Cursor<Piece> into(to, at);
    return memory::copy_digest(seed, into, from, bytes, memory::Stores::kCached);
  };
  std::vector<std::byte> header(transfer.header_bytes());
  const Piece piece{header.data(), header.size()};
  copy(0, pool::header_offset(transfer.value_bytes), {&piece, 1}, 0, header.size());
  if (!pool::check_header(header, transfer.identity(), transfer.place.header_digest,
                          transfer.page_digests)) {
    return;
  }
  for (std::uint64_t page = transfer.first_page; page < transfer.pages_end(); ++page) {
    if (copy(pool::page_seed(transfer.put, page), page * pool::kPageBytes, transfer.destination,
             transfer.offset_of(page),
             pool::page_bytes(transfer.value_bytes, page)) != transfer.page_digests[page]) {
      return;
    }
  }
  transfer.outcome = Outcome::kDone;
}

bool Surroundings::seals_later() const {
  return client_.plan().fault == Fault::kAcknowledgesUnsealed;
}

// Their writer goes on as if they were sealed.
void Surroundings::postpone_seals(std::span<Transfer* const> transfers) {
  for (Transfer* transfer : transfers) {
    if (!transfer->failed()) {
      const auto header = pool::encode_header(transfer->identity(), transfer->page_digests);
      transfer->header_digest = pool::digest_of_header(transfer->put, header);
      client_.running_call()->on_unsealed(*transfer);
    }
  }
}

}  // namespace aquifer::sim
