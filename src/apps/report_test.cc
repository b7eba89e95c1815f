#include "apps/report.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/unique_fd.h"

namespace aquifer::apps {
namespace {

/// A pipe whose content is read at the end.
class Pipe {
 public:
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader_.reset(ends[0]);
    writer_.reset(ends[1]);
  }
  int writer() const { return writer_.get(); }
  void close_reader() { reader_.reset(); }
  std::string content() {
    writer_.reset();
    std::array<char, 4096> buffer{};
    const ssize_t size = ::read(reader_.get(), buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(size)};
  }

 private:
  base::UniqueFd reader_;
  base::UniqueFd writer_;
};

struct ReportTest : testing::Test {
  ReportTest() { std::signal(SIGPIPE, SIG_IGN); }
  Report report(bool json) { return {"put", json, {output.writer(), errors.writer()}}; }
  Pipe output;
  Pipe errors;
};

TEST_F(ReportTest, ErrorsGoToStderrWithTheirHintBelow) {
  EXPECT_EQ(report(false).fail({Status::kUnreachable, "no meta", "start one"}), 3);
  EXPECT_EQ(errors.content(), "aquifer put: no meta\n  hint: start one\n");
  EXPECT_EQ(output.content(), "");
}

TEST_F(ReportTest, ErrorsGoToStdoutAsJson) {
  EXPECT_EQ(report(true).fail({Status::kNotFound, "gone", ""}), 1);
  EXPECT_EQ(errors.content(), "");
  EXPECT_NE(output.content().find("\"not_found\""), std::string::npos);
}

TEST_F(ReportTest, AnErrorNeverEndsWithZero) {
  EXPECT_EQ(report(false).fail({Status::kExists, "odd", ""}), 5);
}

TEST_F(ReportTest, DonePrintsOneOfTheTwoForms) {
  EXPECT_EQ(report(false).done("text\n", "{}"), 0);
  EXPECT_EQ(report(true).done("text\n", "{}\n"), 0);
  EXPECT_EQ(output.content(), "text\n{}\n");
}

TEST_F(ReportTest, AReaderThatHasGoneAwayIsQuiet) {
  output.close_reader();
  EXPECT_EQ(report(false).done("text\n", "{}"), 0);
  EXPECT_EQ(errors.content(), "");
}

TEST_F(ReportTest, AFullDiskIsSaid) {
  const base::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  EXPECT_EQ(Report("put", false, {full.get(), errors.writer()}).done("text\n", "{}"), 5);
  EXPECT_NE(errors.content().find("cannot write the output"), std::string::npos);
}

}  // namespace
}  // namespace aquifer::apps
