// Dead letters on their way into a topic: a box where they wait, durable, and the post that takes them.
//
// Shape    A letter is put into the box by the transaction that passes its record over. One process of a pipeline has the
//          box's turn; it sends some letters in one transaction of the post, which says in the topic's cluster which ones they
//          were, and then takes them out of the box. Whoever has the turn next opens the post first: that ends what another has
//          begun, and answers the letters of the last transaction that was committed, so that none is sent twice.
// Errors   unavailable, conflict, auth, config, fenced: the letters wait; a new box and a new post go on. data, of send(): one of the
//          letters is refused by the topic.
// Threads  One instance belongs to one thread.
// Source   docs/decisions/018.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/originals.h"

namespace tailrace {

struct WaitingLetter {
  std::string id = {};  // Of this letter and no other, in whatever box.
  std::string topic = {};
  std::int32_t partition = 0;
  OriginalRecord record = {};
  // Name and value of what is said beside the record, in order (record_letter.h).
  std::vector<std::pair<std::string, std::string>> context = {};
};

class LetterBox {
 public:
  virtual ~LetterBox() = default;
  // False: another process has it. True for as long as this instance lives.
  virtual bool take_turn() = 0;
  // The oldest ones, at most so many.
  virtual std::vector<WaitingLetter> waiting(std::size_t most) = 0;
  // They go; those that are not there are gone already.
  virtual void sent(const std::vector<std::string>& ids) = 0;
  // It stays, and is not among those that wait any more.
  virtual void refused(const std::string& id, const std::string& why) = 0;
};

class LetterPost {
 public:
  virtual ~LetterPost() = default;
  // Letters that were sent by the last transaction, whoever's it was. Nothing of others is under way behind it.
  virtual std::vector<std::string> open(const std::stop_token& stop) = 0;
  // All or none; false if stopped first: then nobody knows, and open() tells.
  [[nodiscard]] virtual bool send(const std::vector<WaitingLetter>& letters, const std::stop_token& stop) = 0;
};

using LetterBoxFactory = std::function<std::unique_ptr<LetterBox>()>;
using LetterPostFactory = std::function<std::unique_ptr<LetterPost>()>;

}  // namespace tailrace
