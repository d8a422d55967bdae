import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Proves that the driver and every executor got the file and the archive that were on the submitting side only, and
 * writes numbered lines to both streams of each, to be looked for in what was collected.
 *
 * <p>Arguments: the number of executors and of lines, then the SHA-256 of the file and of what is in the archive.
 */
public final class WholeWay {
    public static void main(String[] arguments) throws InterruptedException {
        int executors = Integer.parseInt(arguments[0]);
        int lines = Integer.parseInt(arguments[1]);
        String file = arguments[2];
        String archived = arguments[3];
        try (JavaSparkContext context = new JavaSparkContext(new SparkConf())) {
            check("driver", file, archived);
            List<Integer> parts = new ArrayList<>(Collections.nCopies(executors, 0));
            List<String> seen = context.parallelize(parts, executors)
                .mapPartitions(part -> onExecutor(part, lines, file, archived))
                .collect();
            say("driver", lines);
            seen.forEach(executor -> System.out.println("the driver heard of executor " + executor));
        }
    }

    private static Iterator<String> onExecutor(Iterator<Integer> part, int lines, String file, String archived)
            throws InterruptedException {
        String executor = SparkEnv.get().executorId();
        check("executor " + executor, file, archived);
        say("executor " + executor, lines);
        return List.of(executor).iterator();
    }

    private static void say(String who, int lines) throws InterruptedException {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        PrintStream err = new PrintStream(System.err, false, StandardCharsets.UTF_8);
        for (int number = 1; number <= lines; number++) {
            // Now and then one that a container runtime has to break in pieces of 16 KiB.
            String more = number % 1000 == 500 ? " " + "long–".repeat(9000) : "";
            out.println(who + " stdout line " + number + more);
            err.println(who + " stderr line " + number + more);
            // Slow enough for the node to rotate the file under the writer.
            if (number % 10 == 0) {
                Thread.sleep(40);
            }
        }
        out.flush();
        err.flush();
    }

    private static void check(String who, String file, String archived) {
        String sawFile = sum(Path.of(SparkFiles.get("table.csv")));
        String sawArchived = sum(Path.of(SparkFiles.get("bundle")).resolve("inner").resolve("model.bin"));
        if (!sawFile.equals(file) || !sawArchived.equals(archived)) {
            throw new IllegalStateException(who + " has other files: " + sawFile + " " + sawArchived);
        }
        System.out.println(who + " has the file and the archive");
    }

    private static String sum(Path path) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(path)));
        } catch (Exception cause) {
            throw new IllegalStateException("cannot read " + path, cause);
        }
    }
}
