/* The C interface: all that the C++ client can do, for C and for every language that calls C. Plain
 * C11, and fine in C++. It is a thin border around aquifer/client.h and aquifer/pool.h, and not a
 * second client.
 *
 * What holds for all of it:
 *
 * Status.   A function answers a status: AQUIFER_OK, AQUIFER_EXISTS, or why not. A batch answers
 *           AQUIFER_OK when each of its keys did, and otherwise the first status that is not
 *           AQUIFER_OK or AQUIFER_EXISTS; its array has one answer per key, in order, and is filled
 *           whatever the status, unless the array is NULL or the batch has more keys than
 *           AQUIFER_BATCH_KEYS. aquifer_last_error has the words.
 * Nothing   is thrown, printed or called back, no signal is raised and no process is ended.
 * Null.     A null pointer is AQUIFER_INVALID_ARGUMENT, except where it is said to be optional and
 *           for arrays of no elements. Functions that free take NULL and do nothing.
 * Threads.  All functions are thread-safe, except that a handle must not be in use when it is
 *           freed. No call holds a lock while it waits.
 * Time.     A call returns by its deadline. After that nothing touches the caller's memory.
 * Memory.   What is passed in is copied or used during the call only. Handles live until they are
 *           freed, and may outlive the client and the pool that they come from. Where a function
 *           that gives out a handle fails, the handle is NULL.
 * Structs   that begin with struct_size may grow in later versions. The caller sets it to sizeof
 *           the struct; a shorter one, of an older caller, has defaults in the fields it lacks. A
 *           longer one of options is accepted when what is unknown here is zero, and refused as
 *           AQUIFER_INVALID_ARGUMENT otherwise; a longer one for an answer gets zeros there. In
 *           options, fields called reserved must be zero. All other structs are elements of arrays
 *           and stay as they are.
 * Defaults. In options, zero is the default of every field, and a null pointer stands for
 *           defaults throughout.
 * fork().   In the child, calls of inherited clients answer AQUIFER_CLOSED: a child opens its own.
 */
#ifndef AQUIFER_AQUIFER_H
#define AQUIFER_AQUIFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aquifer/export.h"

/* Names are those of C. NOLINTBEGIN(readability-identifier-naming) */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- words ---- */

/** What became of one key, or of one call; one of the constants below. Numbers are never reused,
 * and later versions may have more of them. */
typedef int32_t aquifer_status_t;

/* The numbers are those of aquifer::Status. */
enum {
  AQUIFER_OK = 0,
  AQUIFER_EXISTS = 1,    /**< success: the key was there already, nothing was moved */
  AQUIFER_NOT_FOUND = 2, /**< a miss */

  /* Try again here. */
  AQUIFER_BUSY = 10,       /**< no space could be made within the deadline */
  AQUIFER_TIMEOUT = 11,    /**< the deadline passed; a put that ends so was not stored */
  AQUIFER_UNKNOWN = 12,    /**< a put whose commit got no answer in time: it may be stored */
  AQUIFER_RECOVERING = 13, /**< not found, while nodes are still missing after a restart */
  AQUIFER_PENDING = 14,    /**< removed from sight; some node has still to confirm it */
  AQUIFER_IN_FLIGHT = 15,  /**< another put of the key is open */

  /* Try elsewhere, or later. */
  AQUIFER_UNREACHABLE = 20, /**< meta, or every node that holds the object, cannot be reached */
  AQUIFER_NO_SPACE = 21,    /**< can never fit: too large, or pinned bytes leave no room */
  AQUIFER_CLOSED = 22,      /**< this client or pool has been closed */

  /* Mend the request. */
  AQUIFER_INVALID_ARGUMENT = 30,
  AQUIFER_TOO_LARGE = 31,     /**< over a limit of the pool */
  AQUIFER_TOO_SMALL = 32,     /**< the caller's buffers are smaller than the value */
  AQUIFER_NOT_SUPPORTED = 33, /**< named in the interface, absent from this version */
  AQUIFER_VERSION_MISMATCH = 34,
  AQUIFER_CONFLICT = 35, /**< a name or id is taken by a live session */
  AQUIFER_DENIED = 36,

  /* Gone. */
  AQUIFER_CANCELLED = 40, /**< the open put was removed or aborted before it was committed */

  /* Broken. */
  AQUIFER_INTEGRITY = 50, /**< the bytes found are not those that were put; nothing was delivered */
  AQUIFER_INTERNAL = 51,  /**< a failed check; the pool or client has closed itself */
  AQUIFER_IO = 52         /**< the operating system refused */
};

/* Limits that every pool keeps. A larger request is answered without being tried. */
#define AQUIFER_KEY_BYTES ((size_t)1024)
#define AQUIFER_NAMESPACE_BYTES ((size_t)255)
#define AQUIFER_VALUE_BYTES ((uint64_t)1 << 30)
#define AQUIFER_BATCH_KEYS ((size_t)16384)
#define AQUIFER_PIECES ((size_t)4096)
#define AQUIFER_LIST_ENTRIES ((size_t)4096)
#define AQUIFER_REPLICAS 8u
#define AQUIFER_PIN_TTL_MS ((uint32_t)86400000)
#define AQUIFER_OPEN_PUT_TTL_MS ((uint32_t)600000)

/** The name of a status ("not_found"); "unrecognized" for a number that this version does not know.
 * The text is constant. */
AQUIFER_EXPORT const char* aquifer_status_name(aquifer_status_t status);

/** The version of the library, "MAJOR.MINOR.PATCH". The text is constant. */
AQUIFER_EXPORT const char* aquifer_version(void);

/** The number of the wire protocol; processes with different numbers refuse each other by name. */
AQUIFER_EXPORT uint32_t aquifer_protocol_version(void);

/** Bytes that are a key, a name or an address: any bytes, of which zero ends nothing. {NULL, 0} is
 * the empty text. */
typedef struct aquifer_text_t {
  const char* data;
  size_t size;
} aquifer_text_t;

/** The text of a zero-terminated string, without its zero; it lives as long as the string. NULL
 * gives the empty text. */
AQUIFER_EXPORT aquifer_text_t aquifer_text(const char* string);

/** A range of the caller's memory that a get writes. Bytes. */
typedef struct aquifer_piece_t {
  void* address;
  size_t bytes;
} aquifer_piece_t;

/** A range of memory that is only read. Bytes. */
typedef struct aquifer_const_piece_t {
  const void* address;
  size_t bytes;
} aquifer_const_piece_t;

/** Why a call could not be done, in zero-terminated UTF-8: what happened, and what to do next. Text
 * that is longer is cut. */
typedef struct aquifer_error_t {
  size_t struct_size;
  aquifer_status_t status; /**< AQUIFER_OK: there was no error */
  uint32_t reserved;
  char message[512];
  char hint[512];
} aquifer_error_t;

/* ---- handles ---- */

typedef struct aquifer_client_t aquifer_client_t;           /**< aquifer_client_open, _free */
typedef struct aquifer_pool_t aquifer_pool_t;               /**< aquifer_pool_open, _free */
typedef struct aquifer_view_t aquifer_view_t;               /**< aquifer_view, _release */
typedef struct aquifer_pending_put_t aquifer_pending_put_t; /**< aquifer_open_put, _free */
typedef struct aquifer_page_t aquifer_page_t;               /**< aquifer_list, _free */
typedef struct aquifer_object_t aquifer_object_t;           /**< aquifer_stat, _free */
typedef struct aquifer_report_t aquifer_report_t;           /**< aquifer_status, _free */

/* ---- the client ---- */

enum {
  AQUIFER_TRANSPORT_AUTO = 0, /**< mapped memory where the node is on this host, TCP otherwise */
  AQUIFER_TRANSPORT_SHM = 1,  /**< mapped memory only; other nodes are unreachable */
  AQUIFER_TRANSPORT_TCP = 2   /**< TCP only, also on this host */
};

/** For cached_handles: remember none, and look up on every get. */
#define AQUIFER_NO_CACHED_HANDLES UINT64_MAX

/** How a client reaches its pool and how much of the machine it may use. */
typedef struct aquifer_client_options_t {
  size_t struct_size;
  aquifer_text_t meta;       /**< address of the MetaService; tcp://127.0.0.1:5000 */
  aquifer_text_t name_space; /**< 1 to AQUIFER_NAMESPACE_BYTES bytes without zero; "default" */
  uint32_t transport;        /**< AQUIFER_TRANSPORT_... */
  uint32_t timeout_ms;       /**< default deadline of each call, at most an hour; 5000 */
  uint32_t copy_threads;     /**< threads that move bytes for one call, the caller's included; 1 */
  uint32_t tcp_streams;      /**< connections to one node used by one call; 2 */
  uint64_t cached_handles;   /**< handles remembered; 1048576 */
  aquifer_text_t zone;       /**< where the client is, as nodes say with --zone; none */
} aquifer_client_options_t;

/** Checks the options and gives a client. Does not connect: a meta that is not there yet is no
 * error here. `options` may be NULL, and so may `error`, which gets the words of a failure. One
 * client per process is enough. Status: AQUIFER_INVALID_ARGUMENT. */
AQUIFER_EXPORT aquifer_status_t aquifer_client_open(const aquifer_client_options_t* options,
                                                    aquifer_client_t** client,
                                                    aquifer_error_t* error);

/** Ends all connections; calls in progress return soon, later ones answer AQUIFER_CLOSED.
 * Repeatable. The handle is still to be freed. */
AQUIFER_EXPORT void aquifer_client_close(aquifer_client_t* client);

/** Closes the client and frees its handle. */
AQUIFER_EXPORT void aquifer_client_free(aquifer_client_t* client);

/** Copies the latest operating error met by any call of this client, or AQUIFER_OK when there was
 * none. Misses are no errors. For messages: the statuses are what to act on. */
AQUIFER_EXPORT aquifer_status_t aquifer_last_error(const aquifer_client_t* client,
                                                   aquifer_error_t* error);

/** Counters of one client, all since it was opened. Bytes are those of values. */
typedef struct aquifer_client_counters_t {
  size_t struct_size;
  uint64_t hits;
  uint64_t misses;
  uint64_t integrity_failures; /**< digests that did not match */
  uint64_t stale_handles;      /**< cached handles whose object had moved on */
  uint64_t meta_calls;         /**< requests sent to meta */
  uint64_t read_bytes_shm;
  uint64_t read_bytes_tcp;
  uint64_t written_bytes_shm;
  uint64_t written_bytes_tcp;
  uint64_t breaker_opens; /**< times that meta did not answer, and calls began to be refused */
} aquifer_client_counters_t;

/** What this client has done so far. */
AQUIFER_EXPORT aquifer_status_t aquifer_counters(const aquifer_client_t* client,
                                                 aquifer_client_counters_t* counters);

/** What every call may carry. */
typedef struct aquifer_call_options_t {
  size_t struct_size;
  aquifer_text_t name_space; /**< the client's */
  uint32_t timeout_ms;       /**< the client's */
  uint32_t fill_ms; /**< of aquifer_locate_batch and the gets: asks for the right to fill what is
                         missing, for so long. AQUIFER_NOT_FOUND then means that the key is the
                         caller's to compute and put, AQUIFER_IN_FLIGHT that another client is
                         at it. It ends with the put, its time or its holder; 0: does not ask */
} aquifer_call_options_t;

/* ---- put ---- */

enum {
  AQUIFER_PUT_KEEP = 0,      /**< AQUIFER_EXISTS when the key is there; of two puts at a time the
                                  first to end wins */
  AQUIFER_PUT_IF_ABSENT = 1, /**< so, and AQUIFER_IN_FLIGHT at once while another put is open */
  AQUIFER_PUT_REPLACE = 2    /**< the new value takes the place of the old one, in one step */
};

/** What a put may carry besides. */
typedef struct aquifer_put_options_t {
  size_t struct_size;
  uint32_t mode;                 /**< AQUIFER_PUT_... */
  uint32_t replicas;             /**< 1 to AQUIFER_REPLICAS, on distinct nodes; 1 */
  aquifer_text_t preferred_node; /**< node for the first replica, where it has room; any */
  aquifer_text_t parent;         /**< for items that name no parent of their own; none */
  aquifer_text_t name_space;     /**< the client's */
  uint32_t timeout_ms;           /**< the client's */
  uint32_t group; /**< of a batch, 1: all its objects become visible together, or none
                       does. When one cannot be put, its status says why and the others
                       end as AQUIFER_CANCELLED. Its keys are distinct; 0 */
} aquifer_put_options_t;

/** One object of a put: the value is the concatenation of its pieces, 1 to AQUIFER_VALUE_BYTES
 * bytes in all. */
typedef struct aquifer_put_item_t {
  aquifer_text_t key; /**< 1 to AQUIFER_KEY_BYTES bytes */
  const aquifer_const_piece_t* pieces;
  size_t piece_count;
  aquifer_text_t parent; /**< the key that this one continues, for eviction; empty: none */
} aquifer_put_item_t;

/** Stores a value under a key. AQUIFER_EXISTS is a success that moved nothing. After any status but
 * these two and AQUIFER_UNKNOWN (it may be there) the value is not there. With
 * AQUIFER_PUT_REPLACE, AQUIFER_OK says that every get that starts later returns the new value, and
 * AQUIFER_PENDING that it is stored, and one by a cached handle may still return the old one. */
AQUIFER_EXPORT aquifer_status_t aquifer_put(aquifer_client_t* client, aquifer_text_t key,
                                            const aquifer_const_piece_t* pieces, size_t piece_count,
                                            const aquifer_put_options_t* options);

/** As aquifer_put, for many keys with at most two calls to meta. */
AQUIFER_EXPORT aquifer_status_t aquifer_put_batch(aquifer_client_t* client,
                                                  const aquifer_put_item_t* items, size_t count,
                                                  const aquifer_put_options_t* options,
                                                  aquifer_status_t* statuses);

/* ---- put, written range by range ---- */

/** One object of aquifer_open_put_batch. */
typedef struct aquifer_open_item_t {
  aquifer_text_t key;
  uint64_t bytes; /**< size of the value */
  aquifer_text_t parent;
} aquifer_open_item_t;

/** Begins a put whose value of `bytes` bytes is written later, in any order, and seen by nobody
 * before the commit. It is given up when it has not been committed within `lifetime_ms` (0: 60
 * seconds; at most AQUIFER_OPEN_PUT_TTL_MS). Status: those of aquifer_put; AQUIFER_EXISTS gives no
 * handle. */
AQUIFER_EXPORT aquifer_status_t aquifer_open_put(aquifer_client_t* client, aquifer_text_t key,
                                                 uint64_t bytes,
                                                 const aquifer_put_options_t* options,
                                                 uint32_t lifetime_ms, aquifer_pending_put_t** put);

/** As aquifer_open_put, for many keys with one call to meta. Both arrays have `count` elements; a
 * handle is NULL where the status is not AQUIFER_OK. */
AQUIFER_EXPORT aquifer_status_t
aquifer_open_put_batch(aquifer_client_t* client, const aquifer_open_item_t* items, size_t count,
                       const aquifer_put_options_t* options, uint32_t lifetime_ms,
                       aquifer_pending_put_t** puts, aquifer_status_t* statuses);

/** The size of the value; 0 for NULL. */
AQUIFER_EXPORT uint64_t aquifer_pending_put_bytes(const aquifer_pending_put_t* put);

/** Writes the pieces at `offset`. Several threads may write at a time. Each byte is written once: a
 * range that overlaps an earlier one, or the end of the value, is AQUIFER_INVALID_ARGUMENT and
 * changes nothing; after any other error the put can only be aborted. `timeout_ms` 0: the
 * client's. */
AQUIFER_EXPORT aquifer_status_t aquifer_pending_put_write(aquifer_pending_put_t* put,
                                                          uint64_t offset,
                                                          const aquifer_const_piece_t* pieces,
                                                          size_t piece_count, uint32_t timeout_ms);

/** Makes the object visible. Status: those of aquifer_put; AQUIFER_CANCELLED (removed, aborted, or
 * its lifetime is over); AQUIFER_INVALID_ARGUMENT while bytes are missing or being written, and
 * then the put stays open. The handle is still to be freed. */
AQUIFER_EXPORT aquifer_status_t aquifer_pending_put_commit(aquifer_pending_put_t* put,
                                                           uint32_t timeout_ms);

/** Gives the put up; what was written is gone. Repeatable. The handle is still to be freed. */
AQUIFER_EXPORT void aquifer_pending_put_abort(aquifer_pending_put_t* put);

/** Frees the handle, and gives the put up when it was not committed. */
AQUIFER_EXPORT void aquifer_pending_put_free(aquifer_pending_put_t* put);

/* ---- get ---- */

/** One object of a get: the value fills the pieces in order. They may be larger than the value;
 * what the rest of them holds afterwards is not said. Pieces of one batch must not overlap. */
typedef struct aquifer_get_item_t {
  aquifer_text_t key;
  const aquifer_piece_t* pieces;
  size_t piece_count;
} aquifer_get_item_t;

/** One range of a value: the bytes from `offset` on that fill the pieces, in order. Pieces of one
 * batch must not overlap. */
typedef struct aquifer_range_item_t {
  aquifer_text_t key;
  uint64_t offset;
  const aquifer_piece_t* pieces;
  size_t piece_count;
} aquifer_range_item_t;

/** Outcome of one get. `bytes` is the size of the value: with AQUIFER_OK the bytes delivered, with
 * AQUIFER_TOO_SMALL the bytes needed. For a range with AQUIFER_OK: the bytes delivered, fewer than
 * the pieces hold where the value ends before. */
typedef struct aquifer_get_outcome_t {
  aquifer_status_t status;
  uint32_t
      filling_ms; /**< AQUIFER_IN_FLIGHT: for how long another client has been filling the key */
  uint64_t bytes;
} aquifer_get_outcome_t;

/** Reads a value into the caller's pieces. Every byte is verified. After any status but AQUIFER_OK
 * their content is undefined. `bytes` (optional) is as in aquifer_get_outcome_t. Status:
 * AQUIFER_NOT_FOUND, AQUIFER_TOO_SMALL, AQUIFER_INTEGRITY (every replica damaged),
 * AQUIFER_UNREACHABLE, AQUIFER_TIMEOUT ... */
AQUIFER_EXPORT aquifer_status_t aquifer_get_into(aquifer_client_t* client, aquifer_text_t key,
                                                 const aquifer_piece_t* pieces, size_t piece_count,
                                                 const aquifer_call_options_t* options,
                                                 uint64_t* bytes);

/** As aquifer_get_into, for many keys, with at most one call to meta, and none when all handles are
 * cached. */
AQUIFER_EXPORT aquifer_status_t aquifer_get_batch(aquifer_client_t* client,
                                                  const aquifer_get_item_t* items, size_t count,
                                                  const aquifer_call_options_t* options,
                                                  aquifer_get_outcome_t* outcomes);

/** Reads a value of any size into fresh memory, which aquifer_free frees. Status: those of
 * aquifer_get_into; AQUIFER_IO when this process has no memory for it. */
AQUIFER_EXPORT aquifer_status_t aquifer_get(aquifer_client_t* client, aquifer_text_t key,
                                            const aquifer_call_options_t* options, void** value,
                                            uint64_t* bytes);

/** Frees what aquifer_get gave. */
AQUIFER_EXPORT void aquifer_free(void* value);

/** Reads a range of a value, every page of it verified. `bytes` (optional) is as in
 * aquifer_get_outcome_t. Status: those of aquifer_get_into; AQUIFER_INVALID_ARGUMENT when the range
 * starts at or behind the end of the value. */
AQUIFER_EXPORT aquifer_status_t aquifer_get_range(aquifer_client_t* client, aquifer_text_t key,
                                                  uint64_t offset, const aquifer_piece_t* pieces,
                                                  size_t piece_count,
                                                  const aquifer_call_options_t* options,
                                                  uint64_t* bytes);

/** As aquifer_get_range, for many ranges, of one key or of several. */
AQUIFER_EXPORT aquifer_status_t aquifer_get_range_batch(aquifer_client_t* client,
                                                        const aquifer_range_item_t* items,
                                                        size_t count,
                                                        const aquifer_call_options_t* options,
                                                        aquifer_get_outcome_t* outcomes);

/* ---- views ---- */

/** Shows a value in place: verified, and held where it is until the view is released, even if the
 * object is removed, evicted or replaced meanwhile. Where the memory of the node cannot be mapped,
 * the view is a copy. Status: AQUIFER_NOT_FOUND, AQUIFER_INTEGRITY, AQUIFER_UNREACHABLE ... */
AQUIFER_EXPORT aquifer_status_t aquifer_view(aquifer_client_t* client, aquifer_text_t key,
                                             const aquifer_call_options_t* options,
                                             aquifer_view_t** view);

/** As aquifer_view, for many keys. Both arrays have `count` elements; a handle is NULL where the
 * status is not AQUIFER_OK. */
AQUIFER_EXPORT aquifer_status_t aquifer_view_batch(aquifer_client_t* client,
                                                   const aquifer_text_t* keys, size_t count,
                                                   const aquifer_call_options_t* options,
                                                   aquifer_view_t** views,
                                                   aquifer_status_t* statuses);

/** The value, in order; a few long pieces, of which `count` gets the number. They must not be
 * written, and are gone when the view is released. NULL, and a count of 0, for NULL. */
AQUIFER_EXPORT const aquifer_const_piece_t* aquifer_view_pieces(const aquifer_view_t* view,
                                                                size_t* count);

/** The size of the value; 0 for NULL. */
AQUIFER_EXPORT uint64_t aquifer_view_bytes(const aquifer_view_t* view);

/** True when the bytes are this process's own copy. */
AQUIFER_EXPORT bool aquifer_view_is_copy(const aquifer_view_t* view);

/** Checks the bytes against the digests once more: AQUIFER_OK or AQUIFER_INTEGRITY. */
AQUIFER_EXPORT aquifer_status_t aquifer_view_verify(const aquifer_view_t* view);

/** Ends the view and frees its handle. */
AQUIFER_EXPORT void aquifer_view_release(aquifer_view_t* view);

/* ---- keys ---- */

/** AQUIFER_OK, AQUIFER_NOT_FOUND, or what stood in the way. Always asks meta. */
AQUIFER_EXPORT aquifer_status_t aquifer_exists(aquifer_client_t* client, aquifer_text_t key,
                                               const aquifer_call_options_t* options);

/** As aquifer_exists, with one view of all keys. */
AQUIFER_EXPORT aquifer_status_t aquifer_exists_batch(aquifer_client_t* client,
                                                     const aquifer_text_t* keys, size_t count,
                                                     const aquifer_call_options_t* options,
                                                     aquifer_status_t* statuses);

/** AQUIFER_OK with the size of the value, or AQUIFER_NOT_FOUND, per key; a get that follows needs
 * no call to meta. It answers from handles that are remembered where there are any: a size, and not
 * a promise of presence (aquifer_exists_batch asks). */
AQUIFER_EXPORT aquifer_status_t aquifer_locate_batch(aquifer_client_t* client,
                                                     const aquifer_text_t* keys, size_t count,
                                                     const aquifer_call_options_t* options,
                                                     aquifer_get_outcome_t* outcomes);

/** The number of leading keys that exist, by one call to meta; 0 also when meta cannot be reached
 * or the batch is too large, and aquifer_last_error has the words then. Status:
 * AQUIFER_INVALID_ARGUMENT. */
AQUIFER_EXPORT aquifer_status_t aquifer_match_prefix(aquifer_client_t* client,
                                                     const aquifer_text_t* keys, size_t count,
                                                     const aquifer_call_options_t* options,
                                                     size_t* matched);

/** Removes a key: AQUIFER_OK when no get that starts after this returns it, AQUIFER_PENDING when a
 * node has still to confirm, AQUIFER_NOT_FOUND. */
AQUIFER_EXPORT aquifer_status_t aquifer_remove(aquifer_client_t* client, aquifer_text_t key,
                                               const aquifer_call_options_t* options);
AQUIFER_EXPORT aquifer_status_t aquifer_remove_batch(aquifer_client_t* client,
                                                     const aquifer_text_t* keys, size_t count,
                                                     const aquifer_call_options_t* options,
                                                     aquifer_status_t* statuses);

/** Removes all keys that begin with `prefix` (empty: all of the namespace); `removed` (optional)
 * gets how many there were. */
AQUIFER_EXPORT aquifer_status_t aquifer_remove_prefix(aquifer_client_t* client,
                                                      aquifer_text_t prefix,
                                                      const aquifer_call_options_t* options,
                                                      uint64_t* removed);

/** Keeps an object from eviction for `ttl_ms` from now (at most AQUIFER_PIN_TTL_MS; a later call
 * counts anew, and zero ends it). AQUIFER_OK, AQUIFER_NOT_FOUND, or AQUIFER_BUSY when as many bytes
 * are pinned as meta allows. */
AQUIFER_EXPORT aquifer_status_t aquifer_pin(aquifer_client_t* client, aquifer_text_t key,
                                            uint32_t ttl_ms, const aquifer_call_options_t* options);
AQUIFER_EXPORT aquifer_status_t aquifer_pin_batch(aquifer_client_t* client,
                                                  const aquifer_text_t* keys, size_t count,
                                                  uint32_t ttl_ms,
                                                  const aquifer_call_options_t* options,
                                                  aquifer_status_t* statuses);

/* ---- listings ---- */

/** One page of the keys that begin with `prefix`, in no order. `cursor` is that of the page before,
 * empty for the first; `entries_max` is at most AQUIFER_LIST_ENTRIES (0: 1000). What is there all
 * the time is listed once; what comes or goes meanwhile may be. */
AQUIFER_EXPORT aquifer_status_t aquifer_list(aquifer_client_t* client, aquifer_text_t prefix,
                                             aquifer_text_t cursor, size_t entries_max,
                                             const aquifer_call_options_t* options,
                                             aquifer_page_t** page);

/** How many objects the page names; 0 for NULL. */
AQUIFER_EXPORT size_t aquifer_page_count(const aquifer_page_t* page);

/** One object of the page: its key, which lives as long as the page, and the size of its value
 * (each optional). AQUIFER_INVALID_ARGUMENT for an index that is not below aquifer_page_count. */
AQUIFER_EXPORT aquifer_status_t aquifer_page_entry(const aquifer_page_t* page, size_t index,
                                                   aquifer_text_t* key, uint64_t* bytes);

/** What asks for the next page; empty after the last. Lives as long as the page. */
AQUIFER_EXPORT aquifer_text_t aquifer_page_cursor(const aquifer_page_t* page);

AQUIFER_EXPORT void aquifer_page_free(aquifer_page_t* page);

/* ---- reports ---- */

/** Size and places of one object. Status: AQUIFER_NOT_FOUND ... */
AQUIFER_EXPORT aquifer_status_t aquifer_stat(aquifer_client_t* client, aquifer_text_t key,
                                             const aquifer_call_options_t* options,
                                             aquifer_object_t** object);

/** The size of the value; 0 for NULL. */
AQUIFER_EXPORT uint64_t aquifer_object_bytes(const aquifer_object_t* object);

/** How many replicas there are; 0 for NULL. */
AQUIFER_EXPORT size_t aquifer_object_replica_count(const aquifer_object_t* object);

/** The name of the node of one replica, which lives as long as the object's handle; NULL for an
 * index that is not below aquifer_object_replica_count. */
AQUIFER_EXPORT const char* aquifer_object_replica_node(const aquifer_object_t* object,
                                                       size_t index);

AQUIFER_EXPORT void aquifer_object_free(aquifer_object_t* object);

/** The whole pool at one moment. free + used + limbo = capacity. */
typedef struct aquifer_pool_status_t {
  size_t struct_size;
  uint64_t capacity_bytes;
  uint64_t free_bytes;
  uint64_t used_bytes;   /**< of open and stored objects, pinned ones included */
  uint64_t limbo_bytes;  /**< may still have a writer, or a reader in place: never handed out */
  uint64_t pinned_bytes; /**< kept from eviction */
  uint64_t views;        /**< objects that clients look at in place */
  uint64_t objects;
  uint64_t evictions;
  uint64_t integrity_failures;
  uint64_t replicas_missing; /**< objects found with fewer replicas than their puts asked for; 1 at
                                  least while what has changed is still being looked at */
} aquifer_pool_status_t;

/** One node of the pool. Texts live as long as the report. */
typedef struct aquifer_node_status_t {
  size_t struct_size;
  const char* name;
  const char* state; /**< "alive", "suspect", "lost" */
  uint64_t process;  /**< its pid on its host */
  uint64_t capacity_bytes;
  uint64_t free_bytes;
  uint64_t used_bytes;
  uint64_t limbo_bytes;
  uint64_t pinned_bytes;
  uint64_t views;
  uint64_t read_bytes_shm; /**< as reported by clients */
  uint64_t read_bytes_tcp; /**< counted by the node */
  uint64_t written_bytes_shm;
  uint64_t written_bytes_tcp;
} aquifer_node_status_t;

/** The state of the whole pool. */
AQUIFER_EXPORT aquifer_status_t aquifer_status(aquifer_client_t* client,
                                               const aquifer_call_options_t* options,
                                               aquifer_report_t** report);

AQUIFER_EXPORT aquifer_status_t aquifer_report_pool(const aquifer_report_t* report,
                                                    aquifer_pool_status_t* pool);

/** How many nodes the report has; 0 for NULL. */
AQUIFER_EXPORT size_t aquifer_report_node_count(const aquifer_report_t* report);

/** One node. AQUIFER_INVALID_ARGUMENT for an index that is not below aquifer_report_node_count. */
AQUIFER_EXPORT aquifer_status_t aquifer_report_node(const aquifer_report_t* report, size_t index,
                                                    aquifer_node_status_t* node);

/** How far the draining of a node has come. */
typedef struct aquifer_drain_t {
  size_t struct_size;
  uint64_t gone;     /**< 1: it was empty, and has left the pool */
  uint64_t objects;  /**< still to move */
  uint64_t bytes;    /**< still in use or in limbo */
  uint64_t moved;    /**< objects copied to other nodes since the drain began */
  uint64_t given_up; /**< objects that were worth less than what they would have displaced */
} aquifer_drain_t;

/** Begins to drain a node, or says how far that has come: nothing new is placed on it, what it
 * holds moves to others, and when it is empty it leaves. `cancel` not 0: ends a drain before that.
 * Call it again for the progress (`drain` may be NULL). Status: AQUIFER_NOT_FOUND (no node has this
 * name). */
AQUIFER_EXPORT aquifer_status_t aquifer_drain(aquifer_client_t* client, aquifer_text_t node,
                                              int cancel, const aquifer_call_options_t* options,
                                              aquifer_drain_t* drain);

AQUIFER_EXPORT void aquifer_report_free(aquifer_report_t* report);

/* ---- a pool inside this process ---- */

typedef struct aquifer_pool_options_t {
  size_t struct_size;
  uint64_t dram_bytes;      /**< memory given to the pool, at least 1 MiB; 1 GiB */
  aquifer_text_t listen;    /**< where meta listens; a free port of the loopback address */
  aquifer_text_t node_name; /**< made from the host's name and the pid */
} aquifer_pool_options_t;

/** Starts a whole pool (meta and one node) on threads of this process; other processes of this host
 * can join it by its address. `options` and `error` may be NULL. Status: AQUIFER_INVALID_ARGUMENT,
 * AQUIFER_NO_SPACE, AQUIFER_IO. */
AQUIFER_EXPORT aquifer_status_t aquifer_pool_open(const aquifer_pool_options_t* options,
                                                  aquifer_pool_t** pool, aquifer_error_t* error);

/** A client of this pool; what `options` (optional) say of meta does not count. As
 * aquifer_client_open. */
AQUIFER_EXPORT aquifer_status_t aquifer_pool_client(const aquifer_pool_t* pool,
                                                    const aquifer_client_options_t* options,
                                                    aquifer_client_t** client,
                                                    aquifer_error_t* error);

/** The address of its meta, for clients of other processes. Lives as long as the handle. NULL for
 * NULL. */
AQUIFER_EXPORT const char* aquifer_pool_meta_address(const aquifer_pool_t* pool);

/** Ends the pool; its clients answer AQUIFER_UNREACHABLE afterwards. Repeatable. The handle is
 * still to be freed. */
AQUIFER_EXPORT void aquifer_pool_close(aquifer_pool_t* pool);

/** Closes the pool, which ends its threads and frees its memory, and frees its handle. */
AQUIFER_EXPORT void aquifer_pool_free(aquifer_pool_t* pool);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming) */

#endif
