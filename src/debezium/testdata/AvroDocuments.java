// Prints the Avro documents that the schemas of recordings become: {"recording", "topic", "key", "value"} a line. README.md says how.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.apicurio.registry.utils.converter.avro.AvroData;
import java.nio.file.*;
import java.util.Map;
import org.apache.kafka.connect.json.JsonConverter;

public class AvroDocuments {
  public static void main(String[] files) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    JsonConverter converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", true), false);
    for (String file : files) {
      for (String text : Files.readAllLines(Path.of(file))) {
        JsonNode line = mapper.readTree(text);
        if (!line.has("topic")) continue;
        ObjectNode out = mapper.createObjectNode();
        out.put("recording", Path.of(file).getFileName().toString().replace(".jsonl", ""));
        out.put("topic", line.get("topic").asText());
        String[] parts = {"key", "value"};
        try {
          for (int i = 0; i < 2; i++) {
            JsonNode schema = line.get("schemas").get(i);
            if (schema.isNull()) continue;
            out.put(parts[i], new AvroData(10).fromConnectSchema(converter.asConnectSchema(mapper.readTree(schema.asText()))).toString());
          }
        } catch (org.apache.avro.SchemaParseException nameThatAvroHasNot) {
          continue;
        }
        System.out.println(mapper.writeValueAsString(out));
      }
    }
  }
}
