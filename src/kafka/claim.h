// Taking a pipeline over: whoever wrote it before is fenced, and what it left open is ended, before anything is read.
//
// Errors   fenced: a later claim names this instance as deposed. unavailable, auth, config: as of the client. abandoned: stopped first.
// Threads  The caller's; producers of helpers' ids are made on threads of its own, which it joins.
// Source   docs/rules.md K3a.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/admin.h"
#include "kafka/producer.h"
#include "kafka/sink_settings.h"
#include "kafka/stored_state.h"

namespace tailrace::kafka {

// What identifies us to the pipeline's topic.
struct Claimant {
  const SinkSettings& settings;
  const StateKeys& keys;
  std::string instance;
  std::chrono::milliseconds transaction_timeout;
};

struct Ownership {
  std::unique_ptr<Producer> producer;  // Of the main id.
  StoredState state;                   // With our claim.
};

// The offsets topic must be there.
Ownership take_ownership(const Claimant& claimant, Admin& admin, const std::stop_token& stop);

// The newest claim, committed or not: a claim that another has only begun has fenced us already.
std::optional<Claim> newest_claim(const Claimant& claimant, Admin& admin, const std::stop_token& stop);

// Ends whatever transactions these helpers, or those who had their numbers before, have left open: they hold back the end of the topic,
// and what is read before it is an old position.
void end_transactions(const Claimant& claimant, const std::vector<int>& numbers, const std::stop_token& stop);

std::unique_ptr<Producer> make_producer(const SinkSettings& settings, const std::string& id,
                                        std::chrono::milliseconds transaction_timeout);
// Of a helper's number, from 1.
std::string helper_id(const SinkSettings& settings, int number);

// As long as the settings want, and the brokers allow.
std::chrono::milliseconds allowed_timeout(const SinkSettings& settings, Admin& admin,
                                          const std::stop_token& stop);

// Host and process, for people.
std::string runner_name();

Error fenced_by(const SinkSettings& settings, const std::optional<Claim>& claim);

}  // namespace tailrace::kafka
