#include "client/handle.h"

namespace aquifer::client {

std::shared_ptr<Handle> Handle::of(const protocol::Handle& message) {
  const bool sane = message.value_bytes > 0 && message.value_bytes <= Limits::kValueBytes &&
                    !message.replicas.empty() && message.replicas.size() <= Limits::kReplicas;
  if (!sane) {
    return nullptr;
  }
  auto handle = std::make_shared<Handle>();
  handle->put = message.put;
  handle->value_bytes = message.value_bytes;
  for (const protocol::Replica& replica : message.replicas) {
    if (replica.extents.empty() || replica.extents.size() > pool::kExtentsMax) {
      return nullptr;
    }
    ReplicaPlace& place = handle->replicas.emplace_back();
    place.node = replica.node;
    place.segment = replica.segment;
    place.slot = replica.slot;
    place.extent_count = static_cast<std::uint16_t>(replica.extents.size());
    place.may_hang = replica.may_hang;
    place.generation = replica.generation;
    place.header_digest = replica.header_digest;
    for (std::size_t i = 0; i < replica.extents.size(); ++i) {
      place.extents[i] = {replica.extents[i].first_unit, replica.extents[i].units};
    }
  }
  return handle;
}

}  // namespace aquifer::client
