#include "apps/exit_code.h"

#include <gtest/gtest.h>

namespace aquifer::apps {
namespace {

TEST(ExitCode, IsZeroForWhatIsDone) {
  EXPECT_EQ(exit_code_of(Status::kOk), 0);
  EXPECT_EQ(exit_code_of(Status::kExists), 0);
  EXPECT_EQ(exit_code_of(Status::kPending), 0);
}

TEST(ExitCode, NamesTheKindOfFailure) {
  EXPECT_EQ(exit_code_of(Status::kNotFound), 1);
  EXPECT_EQ(exit_code_of(Status::kInvalidArgument), 2);
  EXPECT_EQ(exit_code_of(Status::kTooLarge), 2);
  EXPECT_EQ(exit_code_of(Status::kUnreachable), 3);
  EXPECT_EQ(exit_code_of(Status::kIntegrity), 4);
}

TEST(ExitCode, IsFiveForEverythingElse) {
  for (const Status status :
       {Status::kBusy, Status::kTimeout, Status::kUnknown, Status::kRecovering, Status::kNoSpace,
        Status::kConflict, Status::kInternal, Status::kIo, static_cast<Status>(4711)}) {
    EXPECT_EQ(exit_code_of(status), 5) << static_cast<int>(status);
  }
}

}  // namespace
}  // namespace aquifer::apps
