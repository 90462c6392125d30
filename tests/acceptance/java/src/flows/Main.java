package flows;

/** Runs the flows, each against an atolld of its own. */
public final class Main {
    /** One flow. */
    private interface Flow {
        void run(Server server) throws Exception;
    }

    private Main() {
    }

    private static boolean passes(String name, Flow flow) {
        try (Server server = new Server()) {
            flow.run(server);
            System.out.println(name + ": ok");
            return true;
        } catch (Throwable e) {
            System.out.println(name + ": FAILED");
            e.printStackTrace(System.out);
            return false;
        }
    }

    public static void main(String[] arguments) {
        int passed = 0;
        passed += passes("flow 1", Flow1::run) ? 1 : 0;
        passed += passes("flow 2", Flow2::run) ? 1 : 0;
        passed += passes("flow 3", Flow3::run) ? 1 : 0;
        passed += passes("flow 4", Flow4::run) ? 1 : 0;
        passed += passes("flow 5", Flow5::run) ? 1 : 0;
        passed += passes("flow 6", Flow6::run) ? 1 : 0;
        passed += passes("flow 7", Flow7::run) ? 1 : 0;
        passed += passes("flow 8", Flow8::run) ? 1 : 0;
        System.out.println(passed + " passed, " + (8 - passed) + " failed");
        System.exit(passed == 8 ? 0 : 1);
    }
}
