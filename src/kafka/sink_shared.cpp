// What the parts of the Kafka sink share.
#include "kafka/sink_shared.h"

#include "base/error.h"
#include "pipeline/runner_id.h"

namespace tailrace::kafka {

SinkShared::SinkShared(SinkSettings settings)
    : settings_(std::move(settings)),
      keys_(settings_.pipeline, settings_.connector_name(), settings_.events.prefix(),
            settings_.events.database),
      instance_(settings_.instance.empty() ? process_runner_id() : settings_.instance),
      transaction_timeout_(settings_.transaction_timeout),
      schemas_(std::make_shared<KnownSchemas>()) {
  if (settings_.events.converter == debezium::Converter::avro) schemas_->schemas.emplace(settings_.registry);
}

Claimant SinkShared::claimant() const {
  return {settings_, keys_, instance_, transaction_timeout_};
}

HelperNumber::HelperNumber(std::shared_ptr<SinkShared> shared) : shared_(std::move(shared)) {
  number_ = shared_->with([](SharedState& state) {
    TAILRACE_ASSERT(state.stored.claim.has_value());
    int number = 1;
    while (state.helpers.contains(number))
      ++number;
    // A number that the claim does not name would not be fenced by the next runner.
    TAILRACE_ASSERT(number <= state.stored.claim->writers);
    state.helpers.insert(number);
    return number;
  });
}

HelperNumber::~HelperNumber() {
  shared_->with([this](SharedState& state) { return state.helpers.erase(number_); });
}

}  // namespace tailrace::kafka
