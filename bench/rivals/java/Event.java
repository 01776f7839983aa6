import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;

/** An event, as far as the rivals' job reads it. */
@JsonIgnoreProperties(ignoreUnknown = true)
public class Event {
    private static final ObjectReader READER = new ObjectMapper().readerFor(Event.class);

    public String type;
    public String time;
    public String plan;

    @JsonProperty("customer_id")
    public String customer;

    @JsonProperty("mrr_minor")
    public long mrr;

    public static Event of(byte[] value) throws IOException {
        return READER.readValue(value);
    }
}
