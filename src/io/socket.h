// Sockets: listening, connecting within a deadline, handing descriptors over, and moving exact
// amounts of bytes with a deadline. All descriptors are non-blocking and closed on exec. Not here:
// framing (rpc/), event loops (loop.h).
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include "aquifer/result.h"
#include "base/unique_fd.h"
#include "io/address.h"

namespace aquifer::io {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

/// Listens on a TCP address; port 0 takes a free one. Errors: kConflict (in use), kInvalidArgument
/// (host), kIo.
Result<base::UniqueFd> listen_tcp(const Address& address);

/// The address a socket is bound to. Errors: kIo.
Result<Address> local_address(int fd);

/// Connects within the deadline. Errors: kUnreachable (refused, no route, deadline),
/// kInvalidArgument (host name).
Result<base::UniqueFd> connect_tcp(const Address& address, Deadline deadline);

/// The address of this host on the way to another one, as the routes are now. Nothing is sent.
/// Errors: kUnreachable.
Result<std::string> own_host_towards(const Address& address);

/// For a connection that carries bulk: between two processes of one host, bounds what is on its way
/// to what stays in the caches between them (an ordinary send buffer is megabytes, and what is read
/// from it comes from memory again). A connection to another host is left as it is.
void keep_local_bulk_in_cache(int fd);

/// Breaks a connection when what was sent is not acknowledged by the other host for so long
/// (whether its process reads is another matter).
void break_when_unacknowledged(int fd, std::chrono::milliseconds time);

/// Listens on an abstract Unix socket: no file, gone with the process, seen only in this network
/// namespace.
Result<base::UniqueFd> listen_unix(const std::string& name);
Result<base::UniqueFd> connect_unix(const std::string& name);

/// Takes a waiting connection of a listening socket, non-blocking; an empty one when none waits.
base::UniqueFd accept_one(int listening_fd);

/// The user on the other side of a Unix socket; -1 when unknown.
int peer_user(int fd);

/// Sends small bytes together with a descriptor (-1: none) on a Unix socket whose buffer has room;
/// false when not.
bool send_with_fd(int fd, std::span<const std::byte> bytes, int fd_to_send);

/// Receives what one send_with_fd sent; the number of bytes in `count`. Errors: kUnreachable,
/// kTimeout.
Result<base::UniqueFd> receive_with_fd(int fd, std::span<std::byte> buffer, std::size_t& count,
                                       Deadline deadline);

/// Waits until `fd` can be read (or written); false at the deadline.
bool wait_readable(int fd, Deadline deadline);
bool wait_writable(int fd, Deadline deadline);

/// Writes all bytes of the parts (which are changed on the way). Errors: kUnreachable, kTimeout.
Result<void> write_all(int fd, std::span<iovec> parts, Deadline deadline);

/// Reads exactly the bytes of the parts. Errors: kUnreachable, kTimeout.
Result<void> read_exact(int fd, std::span<iovec> parts, Deadline deadline);

}  // namespace aquifer::io
