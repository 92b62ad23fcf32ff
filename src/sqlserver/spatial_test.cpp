// Spatial values: SQL Server's bytes to EWKB, and what broken bytes do.
#include "sqlserver/spatial.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

namespace tailrace::sqlserver {
namespace {

std::string bytes_of(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

std::string hex_of(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr const char* digits = "0123456789ABCDEF";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string ewkb(std::string_view hex, bool geography = false) {
  std::string out;
  const std::string bytes = bytes_of(hex);
  if (!append_ewkb(out, std::as_bytes(std::span(bytes)), geography)) return "broken";
  return hex_of(out);
}

const std::string one = "000000000000F03F";
const std::string two = "0000000000000040";
const std::string three = "0000000000000840";
const std::string four = "0000000000001040";
const std::string zero = "0000000000000000";
const std::string nan = "000000000000F87F";

// POINT (1 2), with Z and M: the flags of properties, and one array for each.
TEST(Spatial, PointsHaveTheirDimensions) {
  EXPECT_EQ(ewkb("00000000010C" + one + two), "0101000000" + one + two);
  EXPECT_EQ(ewkb("00000000010F" + one + two + three + four), "01010000C0" + one + two + three + four);
  EXPECT_EQ(ewkb("00000000010D" + one + two + three), "0101000080" + one + two + three);
  EXPECT_EQ(ewkb("00000000010E" + one + two + four), "0101000040" + one + two + four);
}

// A geography's bytes have the latitude first; EWKB's x is the longitude.
TEST(Spatial, GeographyIsTurnedAround) {
  EXPECT_EQ(ewkb("E6100000010C" + two + one, true), "0101000020E6100000" + one + two);
  EXPECT_EQ(ewkb("E6100000010C" + two + one, false), "0101000020E6100000" + two + one);
}

TEST(Spatial, EmptyIsNotNothing) {
  EXPECT_EQ(ewkb("000000000104000000000000000001000000FFFFFFFFFFFFFFFF01"), "0101000000" + nan + nan);
  EXPECT_EQ(ewkb("110F00000104000000000000000001000000FFFFFFFFFFFFFFFF02"), "0102000020110F000000000000");
  EXPECT_EQ(ewkb("000000000104000000000000000001000000FFFFFFFFFFFFFFFF07"), "010700000000000000");
}

TEST(Spatial, ALineOfTwoPointsIsShort) {
  EXPECT_EQ(ewkb("000000000114" + zero + zero + one + one), "010200000002000000" + zero + zero + one + one);
}

// A collection of a point, an empty line and a polygon of one ring: figures and shapes.
TEST(Spatial, CollectionsHoldTheirParts) {
  const std::string ring = zero + zero + one + zero + one + one + zero + zero;
  const std::string value =
      "000000000104"
      "05000000" +
      one + two + ring +
      "02000000"
      "0100000000"
      "0201000000"
      "04000000"
      "FFFFFFFF0000000007"
      "000000000000000001"
      "00000000FFFFFFFF02"
      "000000000100000003";
  EXPECT_EQ(ewkb(value),
            "010700000003000000"
            "0101000000" +
                one + two +
                "010200000000000000"
                "01030000000100000004000000" +
                ring);
}

// A compound curve: line, arc, line over shared points.
TEST(Spatial, CompoundCurvesAreCutAtTheirSegments) {
  const std::string points = zero + zero + one + zero + two + one + three + zero + four + zero;
  const std::string value =
      "000000000204"
      "05000000" +
      points +
      "01000000"
      "0300000000"
      "01000000"
      "FFFFFFFF0000000009"
      "03000000"
      "020302";
  EXPECT_EQ(ewkb(value),
            "010900000003000000"
            "010200000002000000" +
                zero + zero + one + zero + "010800000003000000" + one + zero + two + one + three + zero +
                "010200000002000000" + three + zero + four + zero);
}

TEST(Spatial, AFullGlobeHasSqlServersOwnType) {
  EXPECT_EQ(ewkb("E61000000224000000000000000001000000FFFFFFFFFFFFFFFF0B", true), "017E000020E6100000");
}

// No bytes crash the decoder, and cut ones are never taken for whole ones.
TEST(Spatial, BrokenBytesAreRefused) {
  const std::vector<std::string> whole{"00000000010F" + one + two + three + four,
                                       "000000000114" + zero + zero + one + one,
                                       "000000000204"
                                       "03000000" +
                                           zero + zero + one + one + two + zero +
                                           "01000000"
                                           "0300000000"
                                           "01000000"
                                           "FFFFFFFF0000000009"
                                           "01000000"
                                           "03"};
  std::mt19937 random(7);
  for (const std::string& hex : whole) {
    const std::string bytes = bytes_of(hex);
    ASSERT_NE(ewkb(hex), "broken");
    std::string out;
    for (std::size_t length = 0; length < bytes.size(); ++length)
      EXPECT_FALSE(append_ewkb(out, std::as_bytes(std::span(bytes).first(length)), false)) << length;
    for (int round = 0; round < 20'000; ++round) {
      std::string changed = bytes;
      for (std::uint32_t i = 0; i <= random() % 3; ++i)
        changed[random() % changed.size()] = static_cast<char>(random());
      out.clear();
      (void)append_ewkb(out, std::as_bytes(std::span(changed)), false);
      EXPECT_LE(out.size(), 64 * bytes.size());
    }
  }
}

}  // namespace
}  // namespace tailrace::sqlserver
