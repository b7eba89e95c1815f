#include "compat/memcache/config_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "base/strings.h"

namespace aquifer::compat::memcache {
namespace {

using base::cat;

constexpr std::size_t kFileBytesMax = 10u << 20;
constexpr std::size_t kLinesMax = 10'000;
constexpr std::size_t kLineBytesMax = 4096;
constexpr std::size_t kItemsMax = 100;

// Known to other versions of MemCache, without a meaning here.
constexpr std::array<std::string_view, 10> kElsewhere{
    "ock.mmc.meta.lease_ttl_ms", "ock.mmc.meta_service.metrics_report_interval_seconds",
    "ock.mmc.log_output_target", "ock.mmc.storage.",
    "ock.mmc.metrics.tls.",      "ock.mmc.local_service.",
    "ock.mmc.client.",           "ock.mmc.dynamic_config.",
    "ock.mmc.kv_events.",        "ock.mmc.rewarm.",
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

Error refuse(const std::string& path, std::string_view what) {
  return {Status::kInvalidArgument, cat("the configuration ", path, " cannot be used: ", what),
          "mend the file"};
}

std::optional<std::string> why_not_a_file(const std::string& path) {
  struct stat about {};
  if (lstat(path.c_str(), &about) != 0) return "there is no such file";
  if (S_ISLNK(about.st_mode)) return "it is a symbolic link";
  if (!S_ISREG(about.st_mode)) return "it is not a regular file";
  if (static_cast<std::size_t>(about.st_size) > kFileBytesMax) return "it is larger than 10 MB";
  return std::nullopt;
}

std::string unknown_key(const std::string& key) {
  const bool elsewhere = std::any_of(kElsewhere.begin(), kElsewhere.end(), [&](auto known) {
    return key.starts_with(known) || key.starts_with("ubsio.");
  });
  return elsewhere ? cat(key, " has no effect here") : cat(key, " is not known and has no effect");
}

}  // namespace

Result<FileValues> read_config(const std::string& path, std::span<const Field> fields,
                               void* config) {
  if (const auto why_not = why_not_a_file(path)) return refuse(path, *why_not);
  std::ifstream file(path);
  FileValues values;
  std::string problems;
  const auto complain = [&](std::size_t line, const std::string& what) {
    problems += cat(problems.empty() ? "" : "; ", "line ", line, ": ", what);
  };
  std::string text;
  for (std::size_t line = 1; std::getline(file, text); ++line) {
    if (line > kLinesMax) return refuse(path, "it has more than 10000 lines");
    if (text.size() > kLineBytesMax) return refuse(path, cat("line ", line, " is too long"));
    const std::string_view content = trim(text);
    const std::size_t equals = content.find('=');
    if (content.empty() || content.front() == '#' || equals == std::string_view::npos) continue;
    const std::string key(trim(content.substr(0, equals)));
    if (key.empty()) return refuse(path, cat("line ", line, " has no key"));
    if (std::find(values.keys.begin(), values.keys.end(), key) != values.keys.end()) {
      complain(line, cat(key, " is there twice"));
      continue;
    }
    if (values.keys.size() == kItemsMax) return refuse(path, "it has more than 100 keys");
    values.keys.push_back(key);
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.key == key; });
    if (field == fields.end()) {
      values.warnings.push_back(cat(path, ": ", unknown_key(key)));
    } else if (const auto wrong = parse_into(config, *field, trim(content.substr(equals + 1)))) {
      complain(line, *wrong);
    }
  }
  if (!problems.empty()) return refuse(path, problems);
  return values;
}

local_config default_local_config() {
  local_config config{};
  const auto set = [&](std::string_view name, std::string_view text) {
    for (const Field& field : local_fields()) {
      if (field.name == name) set_text(&config, field, text);
    }
  };
  set("meta_service_url", "tcp://127.0.0.1:5000");
  set("config_store_url", "tcp://127.0.0.1:6000");
  set("log_level", "info");
  config.world_size = 256;
  set("protocol", "host_rdma");
  set("hcom_url", "tcp://127.0.0.1:7000");
  set("dram_size", "1GB");
  set("hbm_size", "0");
  set("max_dram_size", "64GB");
  set("max_hbm_size", "0");
  config.client_retry_milliseconds = 0;
  config.client_timeout_seconds = 60;
  config.read_thread_pool_size = 32;
  config.write_thread_pool_size = 4;
  config.aggregate_io = true;
  config.aggregate_num = 122;
  set("memory_pool_mode", "standard");
  return config;
}

mmc_meta_service_config_t default_meta_config() {
  mmc_meta_service_config_t config{};
  const auto set = [&](std::string_view name, std::string_view text) {
    for (const Field& field : meta_fields()) {
      if (field.name == name) set_text(&config, field, text);
    }
  };
  set("meta_service_url", "tcp://127.0.0.1:5000");
  set("config_store_url", "tcp://127.0.0.1:6000");
  set("metrics_url", "http://127.0.0.1:8000");
  set("log_level", "info");
  set("log_path", "/var/log/memcache_hybrid");
  config.logRotationFileSize = 20 << 20;
  config.logRotationFileCount = 50;
  config.evictThresholdHigh = 90;
  config.evictThresholdLow = 80;
  return config;
}

Result<local_config> read_local_config(const std::string& path,
                                       std::vector<std::string>& warnings) {
  local_config config = default_local_config();
  auto values = read_config(path, local_fields(), &config);
  if (!values) return std::move(values).error();
  warnings = std::move(values->warnings);
  const auto has = [&](std::string_view key) {
    return std::find(values->keys.begin(), values->keys.end(), key) != values->keys.end();
  };
  for (const std::string_view needed :
       {"ock.mmc.local_service.protocol", "ock.mmc.local_service.dram.size"}) {
    if (!has(needed)) return refuse(path, cat(needed, " is missing"));
  }
  if (!has("ock.mmc.local_service.max.dram.size")) {
    std::copy_n(config.dram_size, sizeof config.dram_size, config.max_dram_size);
  }
  if (!has("ock.mmc.local_service.max.hbm.size")) {
    std::copy_n(config.hbm_size, sizeof config.hbm_size, config.max_hbm_size);
  }
  return config;
}

Result<mmc_meta_service_config_t> read_meta_config(const std::string& path,
                                                   std::vector<std::string>& warnings) {
  mmc_meta_service_config_t config = default_meta_config();
  auto values = read_config(path, meta_fields(), &config);
  if (!values) return std::move(values).error();
  warnings = std::move(values->warnings);
  return config;
}

}  // namespace aquifer::compat::memcache
