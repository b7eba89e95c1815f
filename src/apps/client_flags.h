// What all commands that speak to a pool share: their options, and the steps between the command
// line and the call. Not here: what a command does.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apps/explain.h"
#include "apps/report.h"
#include "aquifer/client.h"
#include "aquifer/result.h"
#include "base/environment.h"
#include "base/options.h"

namespace aquifer::apps {

/// The words behind the command's name.
using Arguments = std::span<const char* const>;

/// Where the pool is and how to reach it, as given on the command line.
struct ClientFlags {
  std::string meta = ClientOptions{}.meta;
  std::string name_space = ClientOptions{}.name_space;
  std::string zone;
  Transport transport = Transport::kAuto;
  std::chrono::milliseconds timeout = ClientOptions{}.timeout;
  bool json = false;

  ClientOptions client_options() const;
};

void declare_client_flags(base::Options& options, ClientFlags& flags);

/// True where the arguments, or the environment, ask `command` for JSON; for errors that are met
/// before the options are read.
bool asks_for_json(std::string_view command, Arguments arguments,
                   const base::Environment& environment);

/// Reads the options. Returns the exit status when there is nothing more to do (--help, wrong
/// usage), having printed what there is to say.
std::optional<int> parse_options(const base::Options& options, Arguments arguments,
                                 const base::Environment& environment);

/// One command that asks something of a pool: from the command line to the exit status.
class ClientCommand {
 public:
  ClientCommand(std::string name, std::string summary);

  base::Options& options() { return options_; }
  const ClientFlags& flags() const { return flags_; }
  Report report() const { return {options_.command(), flags_.json}; }

  /// Reads the options, and opens the client. Returns the exit status when there is nothing more to
  /// do.
  std::optional<int> begin(Arguments arguments, const base::Environment& environment);

  /// Requires: begin() returned nothing.
  Client& client() { return *client_; }

  /// Prints the error for a call about `key` that ended with `status`; returns the exit status.
  int fail(Status status, std::string_view key = {}) const;

  /// The same for a call that brought an Error.
  int fail(const Error& error, std::string_view key = {}) const;

 private:
  base::Options options_;
  ClientFlags flags_;
  std::optional<Client> client_;
};

}  // namespace aquifer::apps
