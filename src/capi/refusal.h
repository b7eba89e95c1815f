// Requests that are refused at the border, before the client sees them: null pointers, structs of
// no known version. The words are constants, so that remembering them needs neither memory nor a
// lock and works in a forked child as well.
#pragma once

#include "aquifer/aquifer.h"
#include "aquifer/result.h"

namespace aquifer::capi {

/// Words for aquifer_last_error; they live as long as the library.
struct Refusal {
  Status status = Status::kInvalidArgument;
  const char* message = "";
  const char* hint = "";
};

inline constexpr Refusal kNullArray{.message = "an array is NULL although its count is not 0",
                                    .hint = "pass the array, or 0 for its count"};
inline constexpr Refusal kNullHandle{.message = "the handle is NULL",
                                     .hint = "open it first, and look at the status of that"};
inline constexpr Refusal kNullAnswer{
    .message = "the pointer that the answer is to be written to is NULL",
    .hint = "only pointers that aquifer.h calls optional may be NULL"};
inline constexpr Refusal kNullBytes{
    .message = "a key, a text or the pieces of an item are NULL although they have a size",
    .hint = "pass the bytes, or 0 for their size"};
inline constexpr Refusal kWrongStruct{
    .message =
        "a struct of options has a struct_size of no version, or has something set that "
        "this version does not know",
    .hint = "set struct_size to sizeof the struct and the rest to zero before filling it in"};
inline constexpr Refusal kWrongAnswerStruct{
    .message = "the struct for the answer has a struct_size of no version",
    .hint = "set struct_size to sizeof the struct before the call"};
inline constexpr Refusal kUnknownMode{
    .message = "the mode or transport in the options is none of the constants of aquifer.h",
    .hint = "use AQUIFER_PUT_... and AQUIFER_TRANSPORT_..."};
inline constexpr Refusal kTooManyKeys{.status = Status::kTooLarge,
                                      .message = "a batch holds at most 16384 keys",
                                      .hint = "split the batch"};
inline constexpr Refusal kNoMemory{
    .status = Status::kIo,
    .message = "this process has no memory for the answer",
    .hint = "free some, or use a call that reads into memory of yours"};
inline constexpr Refusal kDefect{.status = Status::kInternal,
                                 .message = "the C interface met an error that it does not know",
                                 .hint = "this is a defect of aquifer: please report it"};

Error error_of(const Refusal& refusal);

/// Copies an error into the caller's struct (which may be null): kInvalidArgument when the struct
/// is of no version.
aquifer_status_t write_error(const Error& error, aquifer_error_t* out);

}  // namespace aquifer::capi
