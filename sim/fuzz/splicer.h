// Statements as nobody wrote them: tokens of known statements, torn out, repeated, exchanged.
//
// Shape    Cuts by the simulator's own lexer, so that a change is a change of tokens and most results still parse to
//          some depth. Everything is drawn from the generator that is given: the same seed makes the same statements.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sim/fuzz/script.h"

namespace tailrace::sim::fuzz {

using Random = std::mt19937_64;

class Splicer {
 public:
  explicit Splicer(const std::vector<Script>& known);

  // A statement with a few changes; at most `most_bytes` long.
  std::string mutated(std::string_view statement, Random& random, std::size_t most_bytes = 20'000) const;
  // A script that keeps most batches of a known one and mixes changed ones in.
  Script script(Random& random) const;

 private:
  // A piece of text that one token covers, with the blanks and comments behind it.
  struct Piece {
    std::string text;
    int kind = 0;
  };
  using Pieces = std::vector<Piece>;

  static Pieces cut(std::string_view statement);
  void change(Pieces& pieces, Random& random) const;
  const Piece& known_piece(int kind, Random& random) const;
  Pieces known_range(Random& random) const;
  const std::string& known_statement(Random& random) const;

  std::vector<Script> scripts_;
  std::vector<std::string> statements_;
  std::vector<Pieces> cut_statements_;
  std::vector<Pieces> by_kind_;
};

}  // namespace tailrace::sim::fuzz
