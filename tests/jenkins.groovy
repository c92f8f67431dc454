// The smallest honest stand-in of Jenkins: it runs a declarative Jenkinsfile's `sh` steps in the
// order and under the conditions that the file states, with groovy itself reading the file. It
// knows only the sections and conditions that are named below; an unknown one ends it. It is no
// proof of how Jenkins does agents, credentials, triggers, locks or archives.
//
// Arguments: the Jenkinsfile, the params as JSON, "timer" or another cause.
import groovy.json.JsonSlurper

class Conditions {
    Map variables, params
    boolean timer
    List<Boolean> found = []

    boolean ask(Closure body) {
        def inner = new Conditions(variables: variables, params: params, timer: timer)
        body.delegate = inner
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
        inner.found.every()
    }
    void not(Closure body) { found << !ask(body) }
    void allOf(Closure body) { found << ask(body) }
    void anyOf(Closure body) {
        def inner = new Conditions(variables: variables, params: params, timer: timer)
        body.delegate = inner
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
        found << inner.found.any()
    }
    void buildingTag() { found << (variables.TAG_NAME != null) }
    void branch(String name) { found << (variables.BRANCH_NAME == name) }
    void changeRequest() { found << (variables.CHANGE_ID != null) }
    void triggeredBy(String cause) { found << (timer && cause == 'TimerTrigger') }
    void tag(Map how) {
        assert how.comparator == 'REGEXP'
        found << (variables.TAG_NAME != null && variables.TAG_NAME ==~ how.pattern)
    }
    void expression(Closure body) {
        body.delegate = this
        body.resolveStrategy = Closure.DELEGATE_FIRST
        found << (body() as boolean)
    }
}

class Steps {
    Map variables
    void sh(String command) {
        println "+ ${command}"
        def process = new ProcessBuilder('sh', '-e', '-c', command).redirectErrorStream(true)
        process.environment().putAll(variables)
        def running = process.start()
        running.inputStream.eachLine { println it }
        if (running.waitFor() != 0) throw new IllegalStateException("exit code ${running.exitValue()}")
    }
    void archiveArtifacts(Map what) { println "archive ${what.artifacts}" }
    void junit(Map what) { println "junit ${what.testResults}" }
}

class Stage {
    String name
    Closure conditions, body, afterwards
    void when(Closure asked) { conditions = asked }
    void steps(Closure taken) { body = taken }
    void post(Closure done) { afterwards = done }
    void options(Closure ignored) { }
}

class Post {
    boolean ok
    List<Closure> chosen = []
    void always(Closure body) { chosen << body }
    void success(Closure body) { if (ok) chosen << body }
}

class Pipeline {
    Map env, params, variables = [:]
    boolean timer
    List<Stage> all = []
    def any = 'any'

    void agent(where) { assert where == 'any' }
    void options(Closure ignored) { }
    void triggers(Closure ignored) { }
    void parameters(Closure ignored) { }
    void environment(Closure body) {
        body.delegate = new Variables(variables: variables, env: env)
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
    }
    void stages(Closure body) { body.delegate = this; body.resolveStrategy = Closure.DELEGATE_FIRST; body() }
    void stage(String name, Closure body) {
        def stage = new Stage(name: name)
        body.delegate = stage
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
        all << stage
    }

    void run() {
        def known = env + variables
        def steps = new Steps(variables: variables)
        for (stage in all) {
            if (stage.conditions &&
                    !new Conditions(variables: known, params: params, timer: timer).ask(stage.conditions)) {
                println "stage ${stage.name}: skipped"
                continue
            }
            println "stage ${stage.name}"
            def failure = null
            try { call(stage.body, steps) } catch (IllegalStateException error) { failure = error }
            if (stage.afterwards) {
                def post = new Post(ok: failure == null)
                call(stage.afterwards, post)
                for (chosen in post.chosen) call(chosen, steps)
            }
            if (failure) { println "stage ${stage.name} failed: ${failure.message}"; System.exit(1) }
        }
    }
    private void call(Closure body, Object delegate) {
        body.delegate = delegate
        body.resolveStrategy = Closure.DELEGATE_FIRST
        body()
    }
}

class Variables {
    Map variables, env
    void setProperty(String name, Object value) { variables[name] = value as String }
    Object getProperty(String name) { name == 'env' ? this.@env : this.@variables[name] }
}

def environment = new HashMap(System.getenv())
def given = new JsonSlurper().parseText(args[1])
def pipeline = new Pipeline(env: environment, params: given, timer: args[2] == 'timer')
def binding = new Binding(env: environment, params: given)
binding.setVariable('pipeline', { Closure body ->
    body.delegate = pipeline
    body.resolveStrategy = Closure.DELEGATE_FIRST
    body()
})
new GroovyShell(binding).evaluate(new File(args[0]))
pipeline.run()
