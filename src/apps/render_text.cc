#include <algorithm>
#include <cmath>

#include "apps/explain.h"
#include "apps/render.h"
#include "apps/text_table.h"
#include "base/size.h"
#include "base/strings.h"

namespace aquifer::apps {
namespace {

using base::format_size_rounded;

/// "1.2 GiB (30 %)"
std::string part_of(std::uint64_t bytes, std::uint64_t whole) {
  std::string text = format_size_rounded(bytes);
  if (whole == 0) return text;
  const auto percent = static_cast<double>(bytes) * 100.0 / static_cast<double>(whole);
  return base::cat(text, " (", std::lround(percent), " %)");
}

std::string nodes_text(const PoolStatus& status) {
  if (status.nodes.empty()) {
    return "no node has joined: give memory to the pool with aquifer node --dram SIZE\n";
  }
  TextTable table({"NODE", "STATE", "CAPACITY", "FREE", "USED", "LIMBO", "PINNED", "VIEWS",
                   "READ SHM", "READ TCP", "WRITTEN SHM", "WRITTEN TCP"},
                  2);
  for (const NodeStatus& node : status.nodes) {
    table.add({node.name, node.state, format_size_rounded(node.capacity_bytes),
               format_size_rounded(node.free_bytes), format_size_rounded(node.used_bytes),
               format_size_rounded(node.limbo_bytes), format_size_rounded(node.pinned_bytes),
               std::to_string(node.views), format_size_rounded(node.read_bytes.shm),
               format_size_rounded(node.read_bytes.tcp),
               format_size_rounded(node.written_bytes.shm),
               format_size_rounded(node.written_bytes.tcp)});
  }
  return table.text();
}

}  // namespace

std::string listing_text(const ListPage& page) {
  constexpr std::size_t kSizeWidth = 10;  // of "1023.9 KiB" and all others
  std::string text;
  for (const ListEntry& entry : page.entries) {
    const std::string size = format_size_rounded(entry.bytes);
    text.append(kSizeWidth - std::min(kSizeWidth, size.size()), ' ');
    text += base::cat(size, "  ", escaped(entry.key), "\n");
  }
  return text;
}

std::string stat_text(std::string_view key, const ObjectStat& stat) {
  std::string nodes;
  for (const ReplicaStat& replica : stat.replicas) {
    nodes += (nodes.empty() ? "" : ", ") + replica.node;
  }
  std::string size = format_size_rounded(stat.bytes);
  if (stat.bytes >= 1024) size += base::cat(" (", stat.bytes, " bytes)");
  return base::cat("key       ", quoted(key), "\nsize      ", size, "\nreplicas  ",
                   stat.replicas.size(), ": ", nodes, "\n");
}

std::string status_text(const PoolStatus& status) {
  return base::cat("capacity            ", format_size_rounded(status.capacity_bytes),
                   "\nfree                ", format_size_rounded(status.free_bytes),
                   "\nused                ", part_of(status.used_bytes, status.capacity_bytes),
                   "\nlimbo               ", format_size_rounded(status.limbo_bytes),
                   "\npinned              ", format_size_rounded(status.pinned_bytes),
                   "\nobjects             ", status.objects, "\nviews               ", status.views,
                   "\nevictions           ", status.evictions, "\nintegrity failures  ",
                   status.integrity_failures, "\nreplicas missing    ", status.replicas_missing,
                   "\n\n", nodes_text(status));
}

}  // namespace aquifer::apps
