// The program `aquifer`.
#include <csignal>
#include <exception>

#include "apps/commands.h"
#include "apps/exit_code.h"
#include "apps/report.h"

int main(int count, char** words) {
  using namespace aquifer;
  // A reader that goes away is seen where something is written, not by a signal.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const apps::Arguments arguments(words + 1, words + (count > 0 ? count : 1));
    return apps::run_program(arguments, base::Environment::of_process());
  } catch (const std::exception& unexpected) {
    return apps::Report("", false).fail(
        {Status::kInternal, unexpected.what(), "this is a fault of the program; please report it"});
  }
}
