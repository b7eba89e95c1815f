#include "apps/pressure_crew.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/random.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kEmptyShare = 4;  // of the pool: where "empty" ends

std::string words_for(std::string_view what, const std::string& key, Status status,
                      const Client& client) {
  std::string words = base::cat(what, " of ", key, ": ", name_of(status));
  const Error last = client.last_error();
  if (last.code == status) words += " (" + last.message + ")";
  return words;
}

void keep_first(std::string& first, const std::string& trouble) {
  if (first.empty()) first = trouble;
}

}  // namespace

bool PressureCourse::take(std::uint64_t& number) {
  if (asked_ >= goal_bytes_) return false;
  number = next_++;
  asked_ += load_.bytes(number);
  return true;
}

PressurePhase PressureCourse::phase() const {
  if (evicts_) return PressurePhase::kFull;
  return written_ < pool_bytes_ / kEmptyShare ? PressurePhase::kEmpty : PressurePhase::kFilling;
}

void PressureCourse::stored(std::uint64_t bytes, Client& client) {
  const std::uint64_t before = written_ += bytes;
  if (evicts_) return;
  const auto status = client.status();
  if (!status) return;
  if (status->evictions > 0) {
    evicts_ = true;
    return;
  }
  std::uint64_t live = live_;
  while (live < before && !live_.compare_exchange_weak(live, before)) {
  }
}

void PressureWriter::run() {
  std::uint64_t number = 0;
  while (course_.take(number)) put(number);
}

void PressureWriter::put(std::uint64_t number) {
  const std::string key = course_.load().key(number);
  fill(buffer_.pieces(number), course_.load().content(number));
  const auto pieces = buffer_.const_pieces(number);
  const PressurePhase phase = course_.phase();
  const auto begin = Clock::now();
  const Status status = client_.put(key, pieces);
  const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
  ++puts_;
  if (status != Status::kOk) {
    ++refused_;
    return keep_first(trouble_, words_for("put", key, status, client_));
  }
  PressureCalls& calls = calls_[static_cast<std::size_t>(phase)];
  calls.milliseconds.push_back(took.count());
  calls.bytes += course_.load().bytes(number);
  course_.stored(course_.load().bytes(number), client_);
}

void PressureWriter::report(PressureOutcome& outcome, std::array<std::vector<double>, 3>& times) {
  outcome.puts += puts_;
  outcome.refused += refused_;
  keep_first(outcome.trouble, trouble_);
  for (std::size_t phase = 0; phase < calls_.size(); ++phase) {
    const PressureCalls& calls = calls_[phase];
    PressureSpeed& speed = outcome.speeds[phase];
    double seconds = 0;
    for (const double took : calls.milliseconds) seconds += took / 1000;
    times[phase].insert(times[phase].end(), calls.milliseconds.begin(), calls.milliseconds.end());
    speed.puts += calls.milliseconds.size();
    speed.bytes += calls.bytes;
    if (seconds == 0) continue;
    speed.bytes_a_second += static_cast<double>(calls.bytes) / seconds;
    speed.puts_a_second += static_cast<double>(calls.milliseconds.size()) / seconds;
  }
}

void PressureReader::run(const std::atomic<bool>& stop, std::uint64_t pool_bytes) {
  base::Random random(seed_);
  const std::uint64_t window = std::max<std::uint64_t>(1, pool_bytes / course_.load().mean());
  while (!stop) {
    const std::uint64_t taken = course_.taken();
    if (taken == 0) {
      std::this_thread::yield();
      continue;
    }
    read(taken - 1 - random.below(std::min(taken, window)));
  }
}

std::uint64_t PressureReader::read(std::uint64_t number) {
  const std::string key = course_.load().key(number);
  const auto pieces = buffer_.pieces(number);
  poison(pieces);
  const GetOutcome got = client_.get_into(key, pieces);
  if (got.status == Status::kOk) {
    ++reads_;
    check(number, pieces, got.bytes);
    return got.bytes;
  }
  if (got.status == Status::kNotFound) {
    ++misses_;
    return 0;
  }
  ++(got.status == Status::kIntegrity ? wrong_ : failed_);
  keep_first(trouble_, words_for("get", key, got.status, client_));
  return 0;
}

void PressureReader::check(std::uint64_t number, std::span<const Piece> pieces,
                           std::uint64_t bytes) {
  if (is_wrong_byte_due_) {
    *static_cast<std::byte*>(pieces.back().address) ^= std::byte{1};
    is_wrong_byte_due_ = false;
  }
  const auto differs = mismatch(pieces, course_.load().content(number));
  if (bytes == course_.load().bytes(number) && !differs) return;
  ++wrong_;
  keep_first(trouble_, base::cat("get of ", course_.load().key(number), ": ",
                                 differs ? base::cat("wrong byte at ", *differs)
                                         : base::cat(bytes, " bytes")));
}

void PressureReader::report(PressureOutcome& outcome) {
  outcome.reads += reads_;
  outcome.misses += misses_;
  outcome.failed_reads += failed_;
  outcome.wrong_reads += wrong_;
  keep_first(outcome.trouble, trouble_);
}

}  // namespace aquifer::apps
