#include "base/options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace aquifer::base {
namespace {

using Next = ParseOutcome::Next;
using Words = std::vector<std::string>;
using std::chrono::milliseconds;

enum class Transport { kAuto, kShm, kTcp };

/// A file that ends with the test.
class File {
 public:
  explicit File(const std::string& content) : path_(testing::TempDir() + "aquifer-options-XXXXXX") {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << content;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A command with one option of each type.
struct Command {
  bool json = false;
  std::string meta = "tcp://127.0.0.1:5000";
  int threads = 2;
  std::uint16_t port = 0;
  double skip = 0.5;
  std::uint64_t dram = 1ull << 30;
  milliseconds timeout{5'000};
  Transport transport = Transport::kAuto;
  std::string color = "red";
  Words peers{"one"};
  Options options{"node", "Gives memory to a pool."};

  Command() {
    options.flag("json", json, "print JSON")
        .text("meta", meta, "address of the meta", {.letter = 'm', .environment = "AQUIFER_META"})
        .integer("threads", threads, "copy threads", {.min = 1, .max = 64})
        .integer("port", port, "port")
        .real("skip", skip, "part to leave out", {.min = 0, .max = 1})
        .size("dram", dram, "memory to give", {.min = 1u << 20})
        .duration("copy-timeout", timeout, "how long to wait")
        .choice("transport", transport,
                {{"auto", Transport::kAuto}, {"shm", Transport::kShm}, {"tcp", Transport::kTcp}},
                "how bytes move")
        .choice("color", color, {"red", "blue"}, "color")
        .list("peers", peers, "other nodes");
  }
  ParseOutcome parse(const Words& words, const Environment& environment = {}) {
    return options.parse(words, environment);
  }
};

std::string error_of(const Words& words, const Environment& environment = {}) {
  Command command;
  const ParseOutcome outcome = command.parse(words, environment);
  EXPECT_EQ(outcome.next, Next::kUsageError);
  return outcome.text.substr(0, outcome.text.find('\n'));
}

TEST(Options, NothingGivenLeavesTheDefaults) {
  Command command;
  EXPECT_TRUE(command.parse({}).should_run());
  EXPECT_EQ(command.dram, 1ull << 30);
  EXPECT_EQ(command.peers, Words{"one"});
}

TEST(Options, EveryTypeIsReadFromFlags) {
  Command command;
  const auto outcome =
      command.parse({"--json", "--meta", "tcp://h:1", "--threads=8", "--port", "65535", "--skip",
                     "0.25", "--dram", "1.5KB", "--dram=4GiB", "--copy-timeout", "250ms",
                     "--transport", "tcp", "--color=blue", "--peers", "a, b", "--peers=c"});
  EXPECT_TRUE(outcome.should_run()) << outcome.text;
  EXPECT_TRUE(command.json);
  EXPECT_EQ(command.meta, "tcp://h:1");
  EXPECT_EQ(command.threads, 8);
  EXPECT_EQ(command.port, 65535);
  EXPECT_EQ(command.skip, 0.25);
  EXPECT_EQ(command.dram, 4ull << 30);
  EXPECT_EQ(command.timeout, milliseconds(250));
  EXPECT_EQ(command.transport, Transport::kTcp);
  EXPECT_EQ(command.color, "blue");
  EXPECT_EQ(command.peers, (Words{"a", "b", "c"}));
}

TEST(Options, EveryTypeIsReadFromTheEnvironment) {
  Command command;
  const auto outcome = command.parse({}, {{"AQUIFER_NODE_JSON", "yes"},
                                          {"AQUIFER_NODE_THREADS", "3"},
                                          {"AQUIFER_NODE_SKIP", "1"},
                                          {"AQUIFER_NODE_DRAM", "2MiB"},
                                          {"AQUIFER_NODE_COPY_TIMEOUT", "7"},
                                          {"AQUIFER_NODE_TRANSPORT", "shm"},
                                          {"AQUIFER_NODE_PEERS", "x,y"}});
  EXPECT_TRUE(outcome.should_run()) << outcome.text;
  EXPECT_TRUE(outcome.warnings.empty());
  EXPECT_TRUE(command.json);
  EXPECT_EQ(command.threads, 3);
  EXPECT_EQ(command.dram, 2u << 20);
  EXPECT_EQ(command.timeout, milliseconds(7'000));
  EXPECT_EQ(command.transport, Transport::kShm);
  EXPECT_EQ(command.peers, (Words{"x", "y"}));
}

TEST(Options, EveryTypeIsReadFromAFile) {
  const File file(
      "# a comment\n\njson = true\nthreads=4 # four\n dram = \"2 MiB\"\ncopy_timeout = 1.5s\n"
      "transport = tcp\npeers = p, q\nmeta = \"a \\\"b\\\" # c\"\n");
  Command command;
  const auto outcome = command.parse({"--config", file.path()});
  EXPECT_TRUE(outcome.should_run()) << outcome.text;
  EXPECT_TRUE(command.json);
  EXPECT_EQ(command.threads, 4);
  EXPECT_EQ(command.dram, 2u << 20);
  EXPECT_EQ(command.timeout, milliseconds(1'500));
  EXPECT_EQ(command.transport, Transport::kTcp);
  EXPECT_EQ(command.peers, (Words{"p", "q"}));
  EXPECT_EQ(command.meta, "a \"b\" # c");
}

// Precedence, each pair.

TEST(Options, AFlagWinsOverTheEnvironment) {
  Command command;
  command.parse({"--threads", "5"}, {{"AQUIFER_NODE_THREADS", "6"}});
  EXPECT_EQ(command.threads, 5);
}

TEST(Options, AFlagWinsOverTheFile) {
  const File file("threads = 7\n");
  Command command;
  command.parse({"--threads", "5", "--config", file.path()});
  EXPECT_EQ(command.threads, 5);
}

TEST(Options, AFlagWinsOverTheDefault) {
  Command command;
  command.parse({"--threads", "5"});
  EXPECT_EQ(command.threads, 5);
}

TEST(Options, TheEnvironmentWinsOverTheFile) {
  const File file("threads = 7\n");
  Command command;
  command.parse({"--config", file.path()}, {{"AQUIFER_NODE_THREADS", "6"}});
  EXPECT_EQ(command.threads, 6);
}

TEST(Options, TheEnvironmentWinsOverTheDefault) {
  Command command;
  command.parse({}, {{"AQUIFER_NODE_THREADS", "6"}});
  EXPECT_EQ(command.threads, 6);
}

TEST(Options, TheFileWinsOverTheDefault) {
  const File file("threads = 7\n");
  Command command;
  command.parse({"--config", file.path()});
  EXPECT_EQ(command.threads, 7);
}

TEST(Options, PrecedenceHoldsForFlagsWithoutAValue) {
  const File file("json = true\n");
  Command by_file;
  by_file.parse({"--config", file.path()});
  EXPECT_TRUE(by_file.json);
  Command by_environment;
  by_environment.parse({"--config", file.path()}, {{"AQUIFER_NODE_JSON", "false"}});
  EXPECT_FALSE(by_environment.json);
  Command by_flag;
  by_flag.parse({"--json=false", "--config", file.path()}, {{"AQUIFER_NODE_JSON", "true"}});
  EXPECT_FALSE(by_flag.json);
}

TEST(Options, TheFurtherVariableStandsBetweenTheOwnVariableAndTheFile) {
  const File file("meta = from-file\n");
  Command further;
  further.parse({"--config", file.path()}, {{"AQUIFER_META", "further"}});
  EXPECT_EQ(further.meta, "further");
  Command own;
  own.parse({}, {{"AQUIFER_META", "further"}, {"AQUIFER_NODE_META", "own"}});
  EXPECT_EQ(own.meta, "own");
  Command flag;
  flag.parse({"-m", "flag"}, {{"AQUIFER_META", "further"}});
  EXPECT_EQ(flag.meta, "flag");
}

TEST(Options, AListFromAStrongerSourceReplacesTheWeakerOne) {
  const File file("peers = a,b\n");
  Command command;
  command.parse({"--config", file.path()}, {{"AQUIFER_NODE_PEERS", "c"}});
  EXPECT_EQ(command.peers, Words{"c"});
}

TEST(Options, TheFileMayBeNamedByTheEnvironment) {
  const File file("threads = 7\n");
  const File other("threads = 8\n");
  Command command;
  command.parse({}, {{"AQUIFER_NODE_CONFIG", file.path()}});
  EXPECT_EQ(command.threads, 7);
  command.parse({"--config", other.path()}, {{"AQUIFER_NODE_CONFIG", file.path()}});
  EXPECT_EQ(command.threads, 8);
}

TEST(Options, ALaterFlagWinsOverAnEarlierOne) {
  Command command;
  EXPECT_TRUE(command.parse({"--threads", "5", "--threads", "6", "--json", "--json"}).should_run());
  EXPECT_EQ(command.threads, 6);
}

// Mistakes.

TEST(Options, AnUnknownOptionNamesTheNearest) {
  EXPECT_EQ(error_of({"--drma", "4GiB"}), "unknown option --drma; did you mean --dram?");
  EXPECT_EQ(error_of({"--drma=4GiB"}), "unknown option --drma; did you mean --dram?");
  EXPECT_EQ(error_of({"--confg", "x"}), "unknown option --confg; did you mean --config?");
  EXPECT_EQ(error_of({"--zzzzzz"}), "unknown option --zzzzzz");
  EXPECT_EQ(error_of({"-z"}), "unknown option -z");
}

TEST(Options, AnUnknownKeyNamesItsPlaceAndTheNearest) {
  const File file("threads = 1\ndrma = 4GiB\n");
  EXPECT_EQ(error_of({"--config", file.path()}),
            file.path() + ":2: unknown key drma; did you mean dram?");
}

TEST(Options, AKeyThatStandsTwiceIsAnError) {
  const File file("copy-timeout = 1\n\ncopy_timeout = 2\n");
  EXPECT_EQ(error_of({"--config", file.path()}),
            file.path() + ":3: key copy-timeout stands twice, first on line 1");
}

TEST(Options, AFileThatIsMissingIsAnError) {
  EXPECT_EQ(error_of({"--config", "/nonexistent/file"}),
            "cannot read /nonexistent/file: No such file or directory");
  EXPECT_TRUE(error_of({"--config", "/tmp"}).starts_with("cannot read /tmp"));
  EXPECT_TRUE(error_of({}, {{"AQUIFER_NODE_CONFIG", "/nonexistent"}}).starts_with("cannot read"));
}

TEST(Options, AFileWithBadLinesIsAnErrorAtTheLine) {
  for (const char* line : {"threads", "= 5", "[node]", "meta = \"open", "meta = \"a\" b"}) {
    const File file(std::string("json = true\n") + line + "\n");
    EXPECT_TRUE(error_of({"--config", file.path()}).starts_with(file.path() + ":2: ")) << line;
  }
}

TEST(Options, ABadValueNamesOptionSourceValueAndWhatIsAccepted) {
  EXPECT_EQ(
      error_of({"--dram", "lots"}),
      "bad value 'lots' for --dram (from flag): expected a size such as 4GiB, 1.5KB or 512 at "
      "least 1MiB");
  EXPECT_EQ(error_of({}, {{"AQUIFER_NODE_COPY_TIMEOUT", "soon"}}),
            "bad value 'soon' for --copy-timeout (from environment AQUIFER_NODE_COPY_TIMEOUT): "
            "expected a time such as 250ms, 1.5s or 5 (seconds)");
  const File file("\nthreads = many\n");
  EXPECT_EQ(error_of({"--config", file.path()}), "bad value 'many' for --threads (from file " +
                                                     file.path() +
                                                     ":2): expected a whole number from 1 to 64");
  EXPECT_EQ(error_of({"--transport", "udp"}),
            "bad value 'udp' for --transport (from flag): expected one of auto, shm, tcp");
  EXPECT_EQ(error_of({"--json=perhaps"}),
            "bad value 'perhaps' for --json (from flag): expected true or false");
}

TEST(Options, NumbersOutOfRangeAreRefused) {
  for (const char* value : {"0", "65", "-1", "2.5", "", "99999999999999999999", "1 ", "0x10"}) {
    EXPECT_FALSE(error_of({"--threads", value}).empty()) << value;
  }
  EXPECT_FALSE(error_of({"--port", "65536"}).empty());
  EXPECT_FALSE(error_of({"--port", "-1"}).empty());
  EXPECT_FALSE(error_of({"--skip", "1.01"}).empty());
  EXPECT_FALSE(error_of({"--skip", "nan"}).empty());
  EXPECT_FALSE(error_of({"--dram", "1KiB"}).empty());
}

TEST(Options, AMissingValueIsAnError) {
  EXPECT_EQ(error_of({"--dram"}), "option --dram needs a value");
  EXPECT_EQ(error_of({"--config"}), "option --config needs a value");
}

TEST(Options, AnEmptyValueIsAValueAndDoesNotTakeTheNextArgument) {
  Command command;
  EXPECT_TRUE(command.parse({"--meta=", "--json"}).should_run());
  EXPECT_EQ(command.meta, "");
  EXPECT_TRUE(command.json);
  EXPECT_TRUE(command.parse({"--peers="}).should_run());
  EXPECT_TRUE(command.peers.empty());
}

TEST(Options, AnErrorSaysWhereToLook) {
  Command command;
  EXPECT_NE(command.parse({"--nope"}).text.find("\nsee: aquifer node --help\n"), std::string::npos);
}

TEST(Options, UnknownVariablesAreWarningsOnly) {
  Command command;
  const auto outcome = command.parse({}, {{"AQUIFER_NODE_SERVICE_HOST", "10.0.0.1"},
                                          {"AQUIFER_NODE_DRMA", "1GiB"},
                                          {"AQUIFER_META", "m"},
                                          {"PATH", "/bin"}});
  EXPECT_TRUE(outcome.should_run());
  EXPECT_EQ(
      outcome.warnings,
      (Words{"environment variable AQUIFER_NODE_DRMA is not an option of aquifer node; did you "
             "mean AQUIFER_NODE_DRAM?",
             "environment variable AQUIFER_NODE_SERVICE_HOST is not an option of aquifer node"}));
}

// Arguments without a flag.

struct GetCommand {
  std::string key;
  std::string file = "-";
  std::string output;
  Options options{"get", "Reads an object."};

  GetCommand() {
    options.argument("KEY", key, "the key")
        .optional_argument("FILE", file, "where to write")
        .text("output", output, "file", {.unit = "FILE", .letter = 'o'});
  }
};

TEST(Options, ArgumentsAreTakenInOrder) {
  GetCommand command;
  EXPECT_TRUE(command.options.parse(Words{"k", "-o", "-", "f"}, {}).should_run());
  EXPECT_EQ(command.key, "k");
  EXPECT_EQ(command.file, "f");
  EXPECT_EQ(command.output, "-");
}

TEST(Options, AnOptionalArgumentKeepsItsDefault) {
  GetCommand command;
  EXPECT_TRUE(command.options.parse(Words{"k"}, {}).should_run());
  EXPECT_EQ(command.file, "-");
}

TEST(Options, AMissingArgumentIsAnError) {
  GetCommand command;
  const auto outcome = command.options.parse(Words{}, {});
  EXPECT_EQ(outcome.next, Next::kUsageError);
  EXPECT_TRUE(outcome.text.starts_with("argument KEY is missing")) << outcome.text;
}

TEST(Options, AnArgumentTooManyIsAnError) {
  GetCommand command;
  const auto outcome = command.options.parse(Words{"a", "b", "c"}, {});
  EXPECT_TRUE(outcome.text.starts_with("unexpected argument 'c'")) << outcome.text;
}

TEST(Options, AfterTwoDashesEverythingIsAnArgument) {
  GetCommand command;
  EXPECT_TRUE(command.options.parse(Words{"--", "--key", "--output="}, {}).should_run());
  EXPECT_EQ(command.key, "--key");
  EXPECT_EQ(command.file, "--output=");
}

TEST(Options, KeysWithOddCharactersPassUnchanged) {
  for (const char* key : {"[a,b]", "a,b", "a=b", "-1", "{x}", "", "a b", "\"q\"", "%c", "config"}) {
    GetCommand command;
    EXPECT_TRUE(command.options.parse(Words{"--output=x", key}, {}).should_run()) << key;
    EXPECT_EQ(command.key, key);
  }
}

TEST(Options, RestArgumentsTakeAllThatIsLeft) {
  std::string first;
  Words rest;
  bool json = false;
  Options options("rm", "Removes objects.");
  options.argument("POOL", first, "pool").rest_arguments("KEY", rest, "keys", true);
  options.flag("json", json, "print JSON");
  const auto outcome = options.parse(Words{"p", "[a,b]", "--json", "c,d"}, {});
  EXPECT_TRUE(outcome.should_run()) << outcome.text;
  EXPECT_EQ(rest, (Words{"[a,b]", "c,d"}));
  EXPECT_TRUE(json);
  EXPECT_EQ(options.parse(Words{"p"}, {}).next, Next::kUsageError);
}

TEST(Options, ArgumentsAreNotReadFromElsewhere) {
  GetCommand command;
  const File file("KEY = x\n");
  EXPECT_EQ(command.options.parse(Words{}, {{"AQUIFER_GET_KEY", "x"}}).next, Next::kUsageError);
  EXPECT_EQ(command.options.parse(Words{"k", "--config", file.path()}, {}).next, Next::kUsageError);
}

// Required options, help, and --print-config.

TEST(Options, ARequiredOptionMayComeFromAnySource) {
  std::string meta;
  Options options("put", "Stores an object.");
  options.text("meta", meta, "address", {.environment = "AQUIFER_META", .required = true});
  const auto outcome = options.parse(Words{}, {});
  EXPECT_EQ(outcome.next, Next::kUsageError);
  EXPECT_TRUE(
      outcome.text.starts_with("option --meta is missing; it may also be given as "
                               "AQUIFER_PUT_META or AQUIFER_META in the environment"))
      << outcome.text;
  const File file("meta = x\n");
  EXPECT_TRUE(options.parse(Words{"--config", file.path()}, {}).should_run());
  EXPECT_TRUE(options.parse(Words{}, {{"AQUIFER_META", "x"}}).should_run());
  EXPECT_TRUE(options.parse(Words{"--meta", "x"}, {}).should_run());
}

TEST(Options, HelpShowsUnitsDefaultsRangesAndVariables) {
  Command command;
  for (const char* flag : {"--help", "-h"}) {
    const auto outcome = command.parse({flag, "--drma"});
    EXPECT_EQ(outcome.next, Next::kDone);
    for (const char* part : {"aquifer node", "Gives memory to a pool.", "--dram", "SIZE", "1GiB",
                             "at least 1MiB", "from 1 to 64", "auto|shm|tcp", "-m", "AQUIFER_META",
                             "AQUIFER_NODE_", "--print-config"}) {
      EXPECT_NE(outcome.text.find(part), std::string::npos) << part << "\n" << outcome.text;
    }
  }
}

TEST(Options, HelpIsShownWhereArgumentsAreMissing) {
  GetCommand command;
  const auto outcome = command.options.parse(Words{"--help"}, {});
  EXPECT_EQ(outcome.next, Next::kDone);
  EXPECT_NE(outcome.text.find("KEY"), std::string::npos);
}

TEST(Options, PrintConfigShowsEachValueAndItsSource) {
  const File file("skip = 0.75\ndram = 1GB\n");
  Command command;
  const auto outcome = command.parse({"--print-config", "--json", "--config", file.path()},
                                     {{"AQUIFER_META", "m"}, {"AQUIFER_NODE_THREADS", "9"}});
  EXPECT_EQ(outcome.next, Next::kDone);
  EXPECT_EQ(outcome.text,
            "json = true  # flag\n"
            "meta = m  # environment AQUIFER_META\n"
            "threads = 9  # environment AQUIFER_NODE_THREADS\n"
            "port = 0  # default\n"
            "skip = 0.75  # file " +
                file.path() +
                ":1\n"
                "dram = 1GB  # file " +
                file.path() +
                ":2\n"
                "copy-timeout = 5s  # default\n"
                "transport = auto  # default\n"
                "color = red  # default\n"
                "peers = one  # default\n");
}

TEST(Options, WhatPrintConfigPrintsReadsBackAsAFile) {
  Command first;
  const auto printed = first.parse({"--print-config", "--meta", " a \"b\" #\\", "--peers="});
  const File file(printed.text);
  Command second;
  const auto outcome = second.parse({"--config", file.path()});
  EXPECT_TRUE(outcome.should_run()) << outcome.text << printed.text;
  EXPECT_EQ(second.meta, " a \"b\" #\\");
  EXPECT_TRUE(second.peers.empty());
  EXPECT_EQ(second.dram, first.dram);
}

TEST(Options, PrintConfigStillRefusesBadValues) {
  EXPECT_FALSE(error_of({"--print-config", "--threads", "0"}).empty());
}

TEST(Options, CommandsWithDashesHaveVariablesWithUnderscores) {
  int count = 0;
  Options options("pool-watch", "Watches.");
  options.integer("max-count", count, "count");
  EXPECT_TRUE(options.parse(Words{}, {{"AQUIFER_POOL_WATCH_MAX_COUNT", "-3"}}).should_run());
  EXPECT_EQ(count, -3);
}

TEST(Environment, TheSnapshotOfTheProcessHoldsItsVariables) {
  EXPECT_EQ(Environment::of_process().find("AQUIFER_SURELY_NOT_SET"), std::nullopt);
  EXPECT_TRUE(Environment::of_process().find("PATH").has_value());
}

TEST(Options, TheReferenceHasARowForEachOption) {
  std::string key;
  std::string transport = "a";
  std::uint64_t size = 4096;
  bool all = false;
  Options options("put", "Stores a file.");
  options.argument("KEY", key, "the key")
      .choice("transport", transport, {"a", "b"}, "the way", {.letter = 't'})
      .size("size", size, "bytes", {.max = 8192, .environment = "AQUIFER_SIZE"})
      .flag("all", all, "everything");
  const std::array words{std::string("--help-markdown")};
  const ParseOutcome outcome = options.parse(words, Environment());
  EXPECT_EQ(outcome.next, ParseOutcome::Next::kDone);
  EXPECT_EQ(outcome.text,
            "## aquifer put\n\nStores a file.\nVariables begin with `AQUIFER_PUT_`.\n\n"
            "| option | default | meaning |\n| --- | --- | --- |\n"
            "| `KEY` |  | the key |\n"
            "| `-t, --transport a\\|b` | `a` | the way |\n"
            "| `--size SIZE` | `4KiB` | bytes (at most 8KiB); also from `AQUIFER_SIZE` |\n"
            "| `--all` | `false` | everything |\n");
  EXPECT_EQ(options.help().find("markdown"), std::string::npos);
}

}  // namespace
}  // namespace aquifer::base
