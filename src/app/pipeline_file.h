// A pipeline's configuration file, loaded and bound to its connectors.
//
// Errors   config: every mistake of the file, together.
#pragma once

#include <memory>
#include <string>

#include "app/command.h"
#include "app/connectors.h"

namespace tailrace::app {

struct PipelineFile {
  std::shared_ptr<const config::Document> document;
  std::string name;
  const SourceConnector* source = nullptr;
  const TargetConnector* target = nullptr;
  RunSettings run;

  SourceFactory source_factory() const;
  SinkFactory sink_factory() const;
};

// Every setting that a file may have.
config::Table all_settings();

// Loads the file that the invocation names, and sets the log up: as the command line says, else as the file
// says, else text and `usual`.
PipelineFile load_pipeline(const Invocation& invocation, std::string_view usual_level);
// What the target holds of it. Throws config where that is nothing.
PipelineStatus known_status(const PipelineFile& pipeline);
// The part of the log's set-up that does not need the file.
void configure_log(const std::string& format, const std::string& level);

}  // namespace tailrace::app
