// The simulator as a command: many seeded runs, spread over processes, or one of them with its
// trace.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/environment.h"
#include "base/options.h"
#include "sim/cluster.h"

namespace aquifer::sim {
namespace {

struct Wish {
  std::uint64_t runs = 10'000;
  std::uint64_t seed = 1;
  std::uint64_t jobs = 0;
  bool trace = false;
  std::string fault = "none";
};

struct Sum {
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
  std::uint64_t puts = 0;
  std::uint64_t gets = 0;
  std::uint64_t removes = 0;
  std::uint64_t violations = 0;

  void add(const Sum& other) {
    runs += other.runs;
    steps += other.steps;
    puts += other.puts;
    gets += other.gets;
    removes += other.removes;
    violations += other.violations;
  }
};

constexpr std::size_t kTraceLines = 60;

// The end of the trace, which leads to the violation.
void print_failure(std::uint64_t seed, Fault fault, const std::string& violation) {
  std::ostringstream trace;
  run_once(seed, fault, &trace);
  std::vector<std::string> lines;
  std::istringstream in(trace.str());
  for (std::string line; std::getline(in, line);) {
    lines.push_back(std::move(line));
  }
  std::printf("\nsim: seed %llu: %s\n", static_cast<unsigned long long>(seed), violation.c_str());
  const std::size_t first = lines.size() > kTraceLines ? lines.size() - kTraceLines : 0;
  for (std::size_t i = first; i < lines.size(); ++i) {
    std::printf("  %s\n", lines[i].c_str());
  }
  std::printf("sim: the whole of it: ./dev sim --seed %llu --runs 1 --trace%s%s\n",
              static_cast<unsigned long long>(seed), fault == Fault::kNone ? "" : " --fault ",
              fault == Fault::kNone ? "" : std::string(name_of(fault)).c_str());
  std::fflush(stdout);
}

// Every `jobs`-th run from the first one on; each run's sum goes to `out` as it ends.
void run_share(const Wish& wish, Fault fault, std::uint64_t first, std::uint64_t jobs, int out) {
  for (std::uint64_t run = first; run < wish.runs; run += jobs) {
    const std::uint64_t seed = wish.seed + run;
    const RunResult result = run_once(seed, fault, nullptr);
    if (result.violation) {
      print_failure(seed, fault, *result.violation);
    }
    const Sum sum{1,           result.steps,   result.puts,
                  result.gets, result.removes, result.violation ? 1u : 0u};
    if (write(out, &sum, sizeof sum) != sizeof sum) {
      return;
    }
  }
}

void print_progress(const Sum& sum, std::uint64_t runs) {
  std::fprintf(stderr, "\rsim: %llu of %llu runs, %llu violations",
               static_cast<unsigned long long>(sum.runs), static_cast<unsigned long long>(runs),
               static_cast<unsigned long long>(sum.violations));
}

// A run has one thread, so several of them take processes.
int run_all(const Wish& wish, Fault fault) {
  const std::uint64_t jobs =
      wish.jobs != 0 ? wish.jobs : std::max(1u, std::thread::hardware_concurrency());
  int ends[2];
  if (pipe(ends) != 0) {
    std::perror("sim: pipe");
    return 1;
  }
  std::vector<pid_t> children;
  for (std::uint64_t job = 0; job < jobs; ++job) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child < 0) {
      std::perror("sim: fork");
      return 1;
    }
    if (child == 0) {
      close(ends[0]);
      run_share(wish, fault, job, jobs, ends[1]);
      _exit(0);
    }
    children.push_back(child);
  }
  close(ends[1]);
  const bool shows = isatty(STDERR_FILENO) != 0;
  Sum all;
  for (Sum one; read(ends[0], &one, sizeof one) == sizeof one;) {
    all.add(one);
    if (shows && all.runs % 50 == 0) {
      print_progress(all, wish.runs);
    }
  }
  close(ends[0]);
  if (shows) {
    print_progress(all, wish.runs);
    std::fputc('\n', stderr);
  }
  bool whole = all.runs == wish.runs;
  for (const pid_t child : children) {
    int status = 0;
    whole = waitpid(child, &status, 0) == child && status == 0 && whole;
  }
  std::printf(
      "sim: %llu runs from seed %llu: %llu steps, %llu puts acknowledged, %llu gets "
      "delivered, %llu removes done; %llu violations\n",
      static_cast<unsigned long long>(all.runs), static_cast<unsigned long long>(wish.seed),
      static_cast<unsigned long long>(all.steps), static_cast<unsigned long long>(all.puts),
      static_cast<unsigned long long>(all.gets), static_cast<unsigned long long>(all.removes),
      static_cast<unsigned long long>(all.violations));
  if (!whole) {
    std::printf("sim: a process of the simulator ended before its runs were done\n");
  }
  return whole && all.violations == 0 ? 0 : 1;
}

int run_traced(const Wish& wish, Fault fault) {
  int status = 0;
  for (std::uint64_t run = 0; run < wish.runs; ++run) {
    const RunResult result = run_once(wish.seed + run, fault, &std::cout);
    std::cout << "sim: seed " << wish.seed + run << ": " << result.violation.value_or("all is well")
              << '\n';
    status = result.violation ? 1 : status;
  }
  return status;
}

int main_of(std::span<const std::string> arguments) {
  Wish wish;
  base::Options options("sim", "Runs a whole pool in virtual time, with trouble, and checks it.");
  options.integer("runs", wish.runs, "how many runs, each of a seed of its own", {.min = 1})
      .integer("seed", wish.seed, "of the first run; the next ones follow", {})
      .integer("jobs", wish.jobs, "processes to spread them over; 0: one per processor",
               {.max = 256})
      .flag("trace", wish.trace, "print all that happens")
      .text("fault", wish.fault, "a defect to plant, which is to be found");
  const base::ParseOutcome outcome = options.parse(arguments, base::Environment::of_process());
  if (!outcome.should_run()) {
    const bool is_wrong = outcome.next == base::ParseOutcome::Next::kUsageError;
    std::fputs(outcome.text.c_str(), is_wrong ? stderr : stdout);
    return is_wrong ? 2 : 0;
  }
  const Fault fault = fault_named(wish.fault);
  if (fault == Fault::kMax) {
    std::fprintf(stderr, "sim: no fault is named \"%s\"; there are:", wish.fault.c_str());
    for (std::size_t i = 0; i < static_cast<std::size_t>(Fault::kMax); ++i) {
      std::fprintf(stderr, " %s", std::string(name_of(static_cast<Fault>(i))).c_str());
    }
    std::fputc('\n', stderr);
    return 2;
  }
  return wish.trace ? run_traced(wish, fault) : run_all(wish, fault);
}

}  // namespace
}  // namespace aquifer::sim

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  return aquifer::sim::main_of(arguments);
}
