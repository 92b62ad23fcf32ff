// A pipeline's configuration file, loaded and bound to its connectors.
//
// Errors   config: every mistake of the file, together.
#pragma once

#include <memory>
#include <string>

#include "app/command.h"
#include "app/connectors.h"
#include "pipeline/letter_forwarder.h"

namespace tailrace::app {

struct PipelineFile {
  std::shared_ptr<const config::Document> document;
  std::string name;
  const SourceConnector* source = nullptr;
  const TargetConnector* target = nullptr;
  RunSettings run;

  // The source is partitions: the first two factories are of no use then, and the second two else.
  bool of_partitions() const { return source->make_partitions != nullptr; }
  SourceFactory source_factory() const;
  SinkFactory sink_factory() const;
  PartitionSourceFactory partition_source_factory() const;
  PartitionSinkFactory partition_sink_factory() const;
  // Started. Nothing where letters go to no topic, or with the position.
  std::unique_ptr<LetterForwarder> letter_forwarder() const;
};

// Every setting that a file may have.
config::Table all_settings();

// Loads the file that the invocation names, and sets the log up: as the command line says, else as the file
// says, else text and `usual`.
PipelineFile load_pipeline(const Invocation& invocation, std::string_view usual_level);
// Throws config for what is about one stream and one position, where the source is partitions.
void refuse_partitions(const PipelineFile& pipeline, std::string_view command);
// What the target holds of it. Throws config where that is nothing.
PipelineStatus known_status(const PipelineFile& pipeline);
// The part of the log's set-up that does not need the file.
void configure_log(const std::string& format, const std::string& level);

}  // namespace tailrace::app
