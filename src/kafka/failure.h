// What librdkafka says went wrong, as values, and what that means to tailrace: the kind of Error.
//
// Shape    A Failure keeps librdkafka's code, name and words, and its three flags. error_of() makes the Error of it, with
//          `kafka` (the code's name), `flags` and the resource (`topic`, `group`, `transactional_id` ...) as context.
// Errors   The kind is judged by the code, the abortable flag first: a transaction that must be aborted is repeated
//          (K3d), whatever its cause, except where its cause would come again (a record too large, a right that is missing).
// Source   librdkafka 2.12 rdkafka.h (rd_kafka_resp_err_t), INTRODUCTION.md "Transactional producer"; Kafka 4.3 protocol
//          guide, "Error codes".
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace tailrace::kafka {

struct Failure {
  int code = 0;            // rd_kafka_resp_err_t; negative ones are the client's own.
  std::string text = {};   // librdkafka's words.
  bool fatal = false;      // This client is of no use any more.
  bool retriable = false;  // The same call may succeed.
  bool abortable = false;  // The transaction must be aborted; a new one may succeed.
};

// "_FENCED", "MSG_SIZE_TOO_LARGE".
std::string name_of(int code);

ErrorKind kind_of(const Failure& failure);

// What the failed call was about: "topic" and its name, where one is known.
struct Resource {
  std::string_view type = {};
  std::string_view name = {};
  std::string_view right = {};  // What the call needs there, as kafka-acls.sh calls it: "Write".
};
Error error_of(const Failure& failure, std::string_view purpose, Resource resource = {});

// Message and context, without the remedy: for findings, which have a place of its own for it.
std::string reason_of(const Error& error);

// The remedy for a right that is missing. `words` are kafka-acls.sh's: "--operation Write --topic shop.dbo.orders".
std::string grant_remedy(std::string_view words);

// Of an Error that error_of() made.
bool is_abortable(const Error& error);
bool is_fatal(const Error& error);

}  // namespace tailrace::kafka
