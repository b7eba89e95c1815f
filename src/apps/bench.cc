#include "apps/bench.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/bench_parts.h"
#include "apps/bench_peer.h"
#include "apps/bench_run.h"
#include "apps/exit_code.h"
#include "apps/workload_output.h"
#include "base/nearest.h"
#include "base/options.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

enum class Transports { kAll, kShm, kTcp };

struct Flags {
  BenchSettings settings;
  Transports transports = Transports::kAll;
  std::vector<std::string> batches;
  std::vector<std::string> threads;
  unsigned rounds = 0;
  bool is_quick = false;
  std::string json;
};

constexpr std::string_view kPlant = "plant-wrong-byte";

/// A switch for tests: declared only where it is used, as it has no place in the help.
bool asks_for_wrong_byte(Arguments arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const char* word) {
    return std::string_view(word).find(kPlant) != std::string_view::npos;
  });
}

void declare(base::Options& options, Flags& flags) {
  std::string parts;
  for (const BenchPart& part : bench_parts()) {
    parts += base::cat(parts.empty() ? "" : ", ", part.name, " (", part.what, ")");
  }
  options
      .list("only", flags.settings.parts,
            "what to measure: " + parts +
                "; without it all, and with --quick or an option that shapes the block "
                "(--transport, --batches, --threads, --replicas, --meta) the block alone",
            {.unit = "PART,PART,..."})
      .choice("transport", flags.transports,
              {{"all", Transports::kAll}, {"shm", Transports::kShm}, {"tcp", Transports::kTcp}},
              "how client and node move bytes: mapped memory, TCP, or one after the other")
      .list(
          "against", flags.settings.against,
          "also put the same objects through these servers, started for the run: redis, memcached "
          "(packages redis-server, memcached); without --only, nothing but that",
          {.unit = "SERVER,SERVER"})
      .list("batches", flags.batches,
            "objects in one call; without it 1,8,16,24,32,40, and with --quick 1,8,32",
            {.unit = "N,N,..."})
      .list("threads", flags.threads,
            "copy threads of the client; without it 1 and as many as cores, and with --quick 1",
            {.unit = "N,N,..."})
      .integer("streams", flags.settings.streams,
               "TCP connections, of the pool's client and of the raw sockets beside it",
               {.min = 1, .max = 64})
      .integer("replicas", flags.settings.replicas, "replicas of each object, on as many nodes",
               {.min = 1, .max = Limits::kReplicas})
      .integer("rounds", flags.rounds,
               "rounds of each measurement, of which the median counts; 0 is 7, and with --quick 3",
               {.min = 0, .max = 10'000})
      .size(
          "rotation", flags.settings.rotation_bytes,
          "memory that source, pool and destination each rotate over; 0 is 4 times the last-level "
          "cache, at most 2GiB")
      .integer("seed", flags.settings.seed, "the content of objects is a function of it")
      .text("meta", flags.settings.meta,
            "measure this pool; without it a private one is started and ended", {.unit = "ADDRESS"})
      .text("python", flags.settings.python,
            "the Python that times the module aquifer; without a module that part is left out",
            {.unit = "PROGRAM"})
      .flag("quick", flags.is_quick, "a look in half a minute, not a measurement")
      .text("json", flags.json, "write the results to this file; - is stdout", {.unit = "FILE"});
}

/// The numbers in a list, or what is wrong with it.
template <class Number>
Result<std::vector<Number>> numbers_in(std::string_view option,
                                       const std::vector<std::string>& words) {
  std::vector<Number> numbers;
  for (const std::string& word : words) {
    Number number = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, number);
    if (error != std::errc() || stop != end) {
      return Error{Status::kInvalidArgument,
                   base::cat("--", option, ": '", word, "' is not a number"),
                   base::cat("like this: --", option, " 1,8")};
    }
    numbers.push_back(number);
  }
  return numbers;
}

/// Which parts, as their names; an error where one is unknown.
Result<std::vector<std::string>> parts_of(const Flags& flags) {
  const auto& parts = flags.settings.parts;
  std::vector<std::string> known;
  for (const BenchPart& part : bench_parts()) known.emplace_back(part.name);
  for (const std::string& part : parts) {
    if (std::find(known.begin(), known.end(), part) == known.end()) {
      const auto meant = base::nearest(part, known);
      return Error{
          Status::kInvalidArgument, base::cat("--only: there is no part '", part, "'"),
          meant ? base::cat("did you mean ", *meant, "?") : "aquifer bench --help lists the parts"};
    }
  }
  for (const std::string& server : flags.settings.against) {
    const auto known_server = [&](const PeerProtocol& peer) { return peer.name == server; };
    if (std::ranges::any_of(peer_protocols(), known_server)) continue;
    return Error{Status::kInvalidArgument,
                 base::cat("--against: there is no server '", server, "'"),
                 "like this: --against redis,memcached"};
  }
  const bool has_peers = !flags.settings.against.empty();
  if (!has_peers && std::ranges::find(parts, "peers") != parts.end()) {
    return Error{Status::kInvalidArgument, "--only peers: no server is named",
                 "like this: --against redis,memcached"};
  }
  const bool shapes_block = flags.is_quick || flags.transports != Transports::kAll ||
                            !flags.batches.empty() || !flags.threads.empty() ||
                            flags.settings.replicas != 1 || !flags.settings.meta.empty();
  if (has_peers) {
    std::vector<std::string> with_peers = parts;
    with_peers.emplace_back("peers");
    return with_peers;
  }
  return parts.empty() && shapes_block ? std::vector<std::string>{"block"} : parts;
}

/// From what was given to what is measured: lists that were left out follow --quick and the
/// machine.
Result<BenchSettings> settings_of(const Flags& flags) {
  BenchSettings settings = flags.settings;
  const BenchSettings defaults = flags.is_quick ? quick_bench_settings() : BenchSettings{};
  auto parts = parts_of(flags);
  if (!parts) return parts.error();
  settings.parts = std::move(*parts);
  settings.quick = flags.is_quick;
  settings.rounds = flags.rounds != 0 ? flags.rounds : defaults.rounds;
  auto batches = numbers_in<std::size_t>("batches", flags.batches);
  if (!batches) return batches.error();
  settings.batches = batches->empty() ? defaults.batches : *batches;
  auto threads = numbers_in<unsigned>("threads", flags.threads);
  if (!threads) return threads.error();
  settings.threads = *threads;
  if (settings.threads.empty()) {
    settings.threads = {1};
    const unsigned cores = std::min(read_machine().cores, 64u);
    if (!flags.is_quick && cores > 1) settings.threads.push_back(cores);
  }
  if (flags.transports == Transports::kShm) settings.transports = {Transport::kShm};
  if (flags.transports == Transports::kTcp) settings.transports = {Transport::kTcp};
  return settings;
}

}  // namespace

int run_bench(Arguments arguments, const base::Environment& environment) {
  Flags flags;
  base::Options options(
      "bench",
      "Measures the pool beside the limits of this machine, in turn, and verifies what it read: "
      "put "
      "and get of the DeepSeek-R1 block (8,784 KiB at 122 addresses), small objects, look-ups.");
  declare(options, flags);
  if (asks_for_wrong_byte(arguments)) {
    options.flag(std::string(kPlant), flags.settings.plant_wrong_byte,
                 "damage one byte of what was read in each path");
  }
  if (const auto ended = parse_options(options, arguments, environment)) return *ended;
  const Report report("bench", false);
  const auto settings = settings_of(flags);
  if (!settings) return report.fail(settings.error());
  auto measured = [&] {
    Progress progress;
    return measure_bench(*settings, progress);
  }();
  if (!measured) return report.fail(measured.error());
  const int printed =
      print_results(report, bench_text(*measured), bench_json(*measured), flags.json);
  if (printed != ExitCode::kDone) return printed;
  return measured->verified() ? ExitCode::kDone : ExitCode::kIntegrity;
}

}  // namespace aquifer::apps
