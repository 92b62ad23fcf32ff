// Requests after the login: SQL batches, RPCs, transaction manager requests.
//
// Errors   protocol: the bytes end too early or do not add up.  data, with the context `number`: a parameter
//          that SQL Server or the simulator refuses; the connection lives on.
// Source   [MS-TDS] 2.2.6.7 (SQLBatch), 2.2.6.6 (RPC), 2.2.6.9 (transaction manager), 2.2.5.3 (ALL_HEADERS).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/tds/wire.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::tds {

std::string parse_batch(std::string_view message, const Protocol& protocol);

std::vector<RpcCall> parse_rpcs(std::string_view message, const Protocol& protocol);

enum class TransactionRequest : std::uint16_t { begin = 5, commit = 7, rollback = 8, save = 9 };

struct TransactionManagerCall {
  TransactionRequest request = TransactionRequest::begin;
  std::uint8_t isolation = 0;  // Of the transaction that begins.
  std::string name;            // Of the savepoint, or of the transaction.
  bool begins_again = false;   // A commit or rollback that starts the next transaction.
};

TransactionManagerCall parse_transaction_request(std::string_view message, const Protocol& protocol);

}  // namespace tailrace::sim::tds
