#include "compat/memcache/settings.h"

#include <algorithm>
#include <array>
#include <thread>

#include "base/strings.h"
#include "compat/memcache/fields.h"
#include "io/address.h"

namespace aquifer::compat::memcache {
namespace {

using base::cat;

constexpr std::uint64_t kHostStep = std::uint64_t{2} << 20;
constexpr std::uint64_t kDeviceStep = std::uint64_t{1} << 30;
constexpr std::uint64_t kSizeMax = std::uint64_t{1} << 40;
constexpr std::uint64_t kSizeLimitMax = std::uint64_t{16} << 40;
constexpr unsigned kCopyThreadsMax = 8;
constexpr std::uint32_t kDefaultTimeout = 60;  // seconds; MemCache's default
constexpr std::chrono::seconds kCallTime{5};
constexpr std::chrono::seconds kJoinPatience{2};

/// What a protocol of MemCache is here.
struct Protocol {
  std::string_view name;
  Transport transport;
  std::string_view instead;  ///< why it is not what its name says; empty when it is
};

constexpr std::string_view kNoFabric =
    "is not available yet: memory is mapped within a host, and TCP is used between hosts";
constexpr std::string_view kNoDevice =
    "is not available yet: memory of the host is used, by mapping it within a host and by TCP "
    "between hosts; addresses of a device are refused";

constexpr std::array kProtocols{
    Protocol{"host_shm", Transport::kShm, {}},
    Protocol{"host_tcp", Transport::kAuto, {}},
    Protocol{"host_rdma", Transport::kAuto, kNoFabric},
    Protocol{"host_urma", Transport::kAuto, kNoFabric},
    Protocol{"device_sdma", Transport::kAuto, kNoDevice},
    Protocol{"device_rdma", Transport::kAuto, kNoDevice},
    Protocol{"device_urma", Transport::kAuto, kNoDevice},
    Protocol{"device_uboe", Transport::kAuto, kNoDevice},
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return text;
}

std::uint64_t round_up(std::uint64_t bytes, std::uint64_t step) {
  return (bytes + step - 1) / step * step;
}

/// Collects what is wrong.
class Problems {
 public:
  void add(const std::optional<std::string>& text) {
    if (text) text_ += cat(text_.empty() ? "" : "; ", *text);
  }
  bool none() const { return text_.empty(); }
  Error error() const {
    return {Status::kInvalidArgument, cat("this configuration cannot be used: ", text_),
            "mend the configuration of the local service"};
  }

 private:
  std::string text_;
};

/// "tcp://0.0.0.0/0:7000" names the networks to listen on before the port.
std::string without_mask(std::string_view url) {
  const std::size_t slash = url.find('/', url.find("://") == url.npos ? 0 : url.find("://") + 3);
  if (slash == url.npos) return std::string(url);
  const std::size_t colon = std::min(url.find(':', slash), url.size());
  return cat(url.substr(0, slash), url.substr(colon));
}

std::uint64_t size_of(const char* text) { return parse_bytes(text).value_or(0); }

void check_sizes(const local_config& config, std::uint64_t step, bool only_dram,
                 Problems& problems) {
  const std::uint64_t dram = round_up(size_of(config.dram_size), step);
  const std::uint64_t hbm = round_up(size_of(config.hbm_size), step);
  if (dram > kSizeMax) problems.add("dram_size is more than 1TB");
  if (hbm > kSizeMax) problems.add("hbm_size is more than 1TB");
  if (dram == 0 && hbm == 0) problems.add("dram_size and hbm_size are both 0");
  if (only_dram && (dram == 0 || hbm != 0)) {
    problems.add("host_shm needs a dram_size and an hbm_size of 0");
  }
  const auto limit = [&](const char* name, const char* text, std::uint64_t least) {
    const std::uint64_t most = round_up(size_of(text), step);
    if (most < least) problems.add(cat(name, " is less than what is given"));
    if (most > kSizeLimitMax) problems.add(cat(name, " is more than 16TB"));
  };
  limit("max_dram_size", config.max_dram_size, dram);
  limit("max_hbm_size", config.max_hbm_size, hbm);
}

unsigned copy_threads(const local_config& config) {
  const unsigned half = std::thread::hardware_concurrency() / 2;
  const unsigned wanted = std::max(config.read_thread_pool_size, config.write_thread_pool_size);
  return std::clamp(std::min(half, wanted), 1u, kCopyThreadsMax);
}

std::optional<Error> refuse_tls(const local_config& config) {
  std::string_view key;
  if (config.tls_enable) key = "tls_enable";
  if (config.config_store_tls_enable) key = "config_store_tls_enable";
  if (config.hcom_tls_enable) key = "hcom_tls_enable";
  if (key.empty()) return std::nullopt;
  return Error{Status::kNotSupported,
               cat(key,
                   " asks for TLS, which is not available yet; without it keys and values "
                   "would travel in the clear"),
               "set it to false where the network is your own"};
}

}  // namespace

std::optional<int> level_of(std::string_view word) {
  constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warn", "error"};
  const std::string text = lower(std::string(word));
  const auto found = std::find(kLevels.begin(), kLevels.end(), text == "warning" ? "warn" : text);
  if (found == kLevels.end()) return std::nullopt;
  return static_cast<int>(found - kLevels.begin());
}

std::optional<std::string> why_not_url(std::string_view name, std::string_view url,
                                       std::string_view scheme) {
  const auto wrong = [&] {
    return cat(name, " is \"", url, "\": it must be ", scheme,
               "HOST:PORT with a port of 1025 to 65535");
  };
  if (!url.starts_with(scheme)) return wrong();
  const auto address = io::Address::parse(url.substr(scheme.size()));
  if (!address || address->port < 1025) return wrong();
  return std::nullopt;
}

Result<Settings> read_settings(const local_config& config) {
  Problems problems;
  for (const Field& field : local_fields()) {
    problems.add(check_range(&config, field));
  }
  problems.add(why_not_url("meta_service_url", config.meta_service_url, "tcp://"));
  problems.add(why_not_url("config_store_url", config.config_store_url, "tcp://"));
  problems.add(why_not_url("hcom_url", without_mask(config.hcom_url), "tcp://"));
  const std::string mode = lower(config.memory_pool_mode);
  if (mode != "standard" && mode != "expanded") {
    problems.add("memory_pool_mode is neither standard nor expanded");
  }
  const auto level = level_of(config.log_level);
  if (!level) problems.add("log_level must be debug, info, warn or error");
  const std::string name = lower(config.protocol);
  const auto protocol = std::find_if(kProtocols.begin(), kProtocols.end(),
                                     [&](const Protocol& known) { return known.name == name; });
  if (protocol == kProtocols.end()) {
    problems.add(cat("protocol \"", config.protocol, "\" is none of MemCache's"));
    return problems.error();
  }
  const bool device = name.starts_with("device_");
  check_sizes(config, device ? kDeviceStep : kHostStep, name == "host_shm", problems);
  if (!problems.none()) return problems.error();
  if (auto refused = refuse_tls(config)) return *refused;

  Settings settings;
  if (!protocol->instead.empty()) {
    settings.warnings.push_back(cat("protocol ", name, " ", protocol->instead));
  }
  if (size_of(config.hbm_size) != 0) {
    if (size_of(config.dram_size) == 0) {
      return Error{Status::kNotSupported,
                   "hbm_size gives memory of a device, which is not available yet",
                   "give a dram_size"};
    }
    settings.warnings.push_back("hbm_size is not available yet: only dram_size is given");
  }
  if (config.ubs_io_enable) {
    settings.warnings.push_back("ubs_io is not available: what is evicted is gone");
  }
  settings.log_level = *level;
  settings.meta = config.meta_service_url;
  settings.dram_bytes = round_up(size_of(config.dram_size), device ? kDeviceStep : kHostStep);
  settings.transport = protocol->transport;
  settings.timeout = config.client_timeout_seconds == kDefaultTimeout
                         ? kCallTime
                         : std::chrono::seconds(config.client_timeout_seconds);
  settings.patience = std::max<std::chrono::milliseconds>(
      std::chrono::milliseconds(config.client_retry_milliseconds), kJoinPatience);
  settings.ranks_max = config.world_size;
  settings.copy_threads = copy_threads(config);
  return settings;
}

}  // namespace aquifer::compat::memcache
