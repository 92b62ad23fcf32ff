// Named instances, as the server's browser service tells them.
//
// Errors  unavailable (08001): no answer, or none that has a TCP port.
// Source  [MC-SQLR] 2.2.3 (CLNT_UCAST_INST), 2.2.5 (SVR_RESP).
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tailrace::tds {

std::uint16_t port_of_instance(const std::string& host, const std::string& instance,
                               std::chrono::steady_clock::time_point deadline);

// Of an answer's bytes; 0: it names none.
std::uint16_t port_in_answer(std::span<const std::byte> answer);

}  // namespace tailrace::tds
